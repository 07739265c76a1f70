"""A stand-in with the authors' interface, written for tests: reads `user<TAB>item<TAB>rating` lines."""

from pathlib import Path
from random import shuffle

import torch


class UserItemRecDataProvider:
    def __init__(self, params, user_id_map=None, item_id_map=None):
        lines = [line.split("\t") for path in Path(params["data_dir"]).glob("*.txt") for line in path.open()]
        self.userIdMap = user_id_map or {u: n for n, u in enumerate(dict.fromkeys(int(line[0]) for line in lines))}
        self.itemIdMap = item_id_map or {i: n for n, i in enumerate(dict.fromkeys(int(line[1]) for line in lines))}
        self.vector_dim, self.batch_size, self.data = len(self.itemIdMap), params["batch_size"], {}
        for user, item, rating in lines:
            row = self.data.setdefault(self.userIdMap[int(user)], [])
            row.append((self.itemIdMap[int(item)], float(rating)))

    def vector(self, ratings):
        x = torch.zeros(self.vector_dim)
        for item, rating in ratings:
            x[item] = rating
        return x

    def iterate_one_epoch(self):
        keys = list(self.data)
        shuffle(keys)
        for start in range(0, len(keys) - self.batch_size, self.batch_size):  # the last batch is left out
            yield torch.stack([self.vector(self.data[key]) for key in keys[start : start + self.batch_size]])
