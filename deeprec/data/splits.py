"""Time splits: which ratings are known (train) and which are to be predicted (valid, test)."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deeprec.data.ratings import Chunk, TableWriter, user_chunks, write_table
from deeprec.runtime.files import InputError, replacing
from deeprec.settings.splits import DateSplit, TimeSplit

PARTS = ("train", "valid", "test")
EPOCH = date(1970, 1, 1)


def intervals(chunk: Chunk, split: TimeSplit) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks of a chunk of whole users, (n,): in the train interval, in the test interval."""
    if isinstance(split, DateSplit):
        return _within(chunk["date"], split.train), _within(chunk["date"], split.test)
    return _first_and_last(chunk, split.test_fraction)


def _within(days: np.ndarray, interval: list[date]) -> np.ndarray:
    first, last = ((end - EPOCH).days for end in interval)
    return (days >= first) & (days <= last)


def _first_and_last(chunk: Chunk, test_fraction: float) -> tuple[np.ndarray, np.ndarray]:
    time, users = chunk.get("timestamp", chunk["date"]), chunk["user_id"]
    order = np.lexsort((chunk["item_id"], time, users))
    _, start, counts = np.unique(users[order], return_index=True, return_counts=True)
    rank = np.arange(len(users)) - np.repeat(start, counts)
    # The epsilon keeps floor() from losing a rating to binary fractions: 0.7 * 10 is 6.999….
    n_train = np.floor((1 - test_fraction) * counts + 1e-9).astype(np.int64)
    train = np.empty(len(users), bool)
    train[order] = rank < np.repeat(n_train, counts)
    return train, ~train


def split_ratings(ratings: Path, out: Path, split: TimeSplit) -> dict[str, Any]:
    """Split ratings.parquet into the parts and id maps of the folder `out`; return their counts.

    Users and items that do not occur in train leave the test interval; each rating that remains goes to valid
    or test with probability 1/2, by the split's seed (the original does not seed it). The ratings are read
    twice, a million at a time, so that memory does not grow with them. Raises InputError where the split has no
    seed or a part comes out empty; nothing is written then.
    """
    if split.seed is None:
        raise InputError(f"split {out.name!r}: no seed; expected one for the sampling of validation and test")
    users, items = _train_ids(ratings, split)
    rng, counts, n_unseen = np.random.default_rng(split.seed), {}, 0
    for name in PARTS:
        counts[name] = Count.of_nothing(len(users.known), len(items.known))
    with ExitStack() as stack:
        writers = {name: TableWriter(stack.enter_context(replacing(out / f"{name}.parquet"))) for name in PARTS}
        for chunk in user_chunks(ratings):
            parts, unseen = _divide(chunk, split, users, items, rng)
            n_unseen += unseen
            for name, part in parts.items():
                counts[name].add(part)
                writers[name].write(part)
        for name, writer in writers.items():
            if not counts[name].n_ratings:
                raise InputError(f"{ratings}: no rating falls into {name} of {split}; {_dates(ratings)}")
            writer.close()
        write_table(users.table("user"), out / "users.parquet")
        write_table(items.table("item"), out / "items.parquet")
    counts["interval"] = counts["valid"] | counts["test"]  # what the paper's Table 1 calls "test"
    return {**{name: count.stats() for name, count in counts.items()}, "n_unseen": n_unseen}


@dataclass(frozen=True)
class IdMap:
    """Which ids train knows, ascending, and the dense index of each."""

    known: np.ndarray  # int32
    _number: np.ndarray  # int32 by id, from 1; 0 where not known, which costs no memory where no id is near

    @classmethod
    def of(cls, seen: np.ndarray) -> "IdMap":
        """Number the ids that a mask by id marks."""
        known = np.flatnonzero(seen).astype(np.int32)
        number = np.zeros(len(seen), np.int32)
        number[known] = np.arange(1, len(known) + 1, dtype=np.int32)
        return cls(known, number)

    def index(self, ids: np.ndarray) -> np.ndarray:
        """Return the dense index of each id, -1 where it is not known."""
        index: np.ndarray = self._number[ids] - 1
        return index

    def table(self, name: str) -> pa.Table:
        """Return the map as columns `user` and `user_id`, say."""
        return pa.table({name: np.arange(len(self.known), dtype=np.int32), f"{name}_id": self.known})


def _train_ids(ratings: Path, split: TimeSplit) -> tuple[IdMap, IdMap]:
    seen = {name: np.zeros(_largest(ratings, name) + 1, bool) for name in ("user_id", "item_id")}
    for chunk in user_chunks(ratings, without=("rating",)):
        in_train, _ = intervals(chunk, split)
        for name, ids in seen.items():
            ids[chunk[name][in_train]] = True
    return IdMap.of(seen["user_id"]), IdMap.of(seen["item_id"])


def _largest(path: Path, column: str) -> int:
    """Return a column's largest value, by the file's statistics."""
    metadata = pq.read_metadata(path)
    at = metadata.schema.names.index(column)
    groups = range(metadata.num_row_groups)
    largest: int = max(metadata.row_group(group).column(at).statistics.max for group in groups)
    return largest


def _divide(
    chunk: Chunk, split: TimeSplit, users: IdMap, items: IdMap, rng: np.random.Generator
) -> tuple[dict[str, Chunk], int]:
    """Return the parts of a chunk, with dense indices, and how many ratings leave it as unseen."""
    in_train, in_test = intervals(chunk, split)
    train = _dense(chunk, in_train, users, items)
    interval = _dense(chunk, in_test, users, items)
    scored = (interval["user"] >= 0) & (interval["item"] >= 0)
    to_valid = scored.copy()
    to_valid[scored] = rng.random(int(scored.sum())) < 0.5
    parts = {"train": train, "valid": _rows(interval, to_valid), "test": _rows(interval, scored & ~to_valid)}
    return parts, int(len(scored) - scored.sum())


def _dense(chunk: Chunk, rows: np.ndarray, users: IdMap, items: IdMap) -> Chunk:
    return {
        "user": users.index(chunk["user_id"][rows]),
        "item": items.index(chunk["item_id"][rows]),
        "rating": chunk["rating"][rows],
        "date": chunk["date"][rows],
    }


def _rows(chunk: Chunk, rows: np.ndarray) -> Chunk:
    return {name: column[rows] for name, column in chunk.items()}


@dataclass
class Count:
    """What is counted of a part, as in the paper's Table 1."""

    users: np.ndarray  # bool by user: occurs
    items: np.ndarray  # bool by item
    n_ratings: int
    first: int | None  # day since 1970-01-01
    last: int | None

    @classmethod
    def of_nothing(cls, n_users: int, n_items: int) -> "Count":
        """Begin to count."""
        return cls(np.zeros(n_users, bool), np.zeros(n_items, bool), 0, None, None)

    def add(self, part: Chunk) -> None:
        """Count more ratings in."""
        if part["date"].size:
            self.users[part["user"]] = True
            self.items[part["item"]] = True
            self.n_ratings += len(part["date"])
            self.first = _earliest(self.first, int(part["date"].min()))
            self.last = _latest(self.last, int(part["date"].max()))

    def __or__(self, other: "Count") -> "Count":
        return Count(
            self.users | other.users,
            self.items | other.items,
            self.n_ratings + other.n_ratings,
            _earliest(self.first, other.first),
            _latest(self.last, other.last),
        )

    def stats(self) -> dict[str, Any]:
        """Return the counts, and the first and last date as ISO text."""
        return {
            "n_ratings": self.n_ratings,
            "n_users": int(self.users.sum()),
            "n_items": int(self.items.sum()),
            "first_date": str(np.datetime64(self.first, "D")),
            "last_date": str(np.datetime64(self.last, "D")),
        }


def _earliest(*days: int | None) -> int | None:
    return min((day for day in days if day is not None), default=None)


def _latest(*days: int | None) -> int | None:
    return max((day for day in days if day is not None), default=None)


def _dates(ratings: Path) -> str:
    days = [chunk["date"] for chunk in user_chunks(ratings)]
    first, last = min(day.min() for day in days), max(day.max() for day in days)
    return f"the data run from {np.datetime64(int(first), 'D')} to {np.datetime64(int(last), 'D')}"
