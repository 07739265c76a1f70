"""The training ratings as a sparse matrix (CSR) on the device: 5 bytes a rating of whole stars, no Python object."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from deeprec.sparse import Ratings


@dataclass(frozen=True)
class RatingMatrix:
    """Ratings by row (users, or items in a transposed matrix): `items[offsets[u]:offsets[u + 1]]` are u's."""

    offsets: Tensor  # (n_users + 1,) int64
    items: Tensor  # (n_ratings,) int32, ascending within a row
    ratings: Tensor  # (n_ratings,) int8 or float32, stars
    n_items: int

    @property
    def n_users(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    @property
    def n_ratings(self) -> int:
        """Number of stored ratings."""
        return len(self.items)

    def to(self, device: torch.device | str) -> "RatingMatrix":
        """Return the matrix on another device."""
        return RatingMatrix(
            self.offsets.to(device), self.items.to(device), self.ratings.to(device), self.n_items
        )

    def rows(self, rows: Tensor) -> Ratings:
        """Return some rows as a sparse batch, by index arithmetic: the cost follows their ratings."""
        start = self.offsets[rows]
        counts = self.offsets[rows + 1] - start
        ends = counts.cumsum(0)
        position = torch.repeat_interleave(counts)  # (n,) row of each rating
        at = torch.arange(len(position), device=rows.device) + (start - (ends - counts))[position]
        offsets = torch.cat([ends.new_zeros(1), ends])
        return Ratings(offsets, self.items[at], self.ratings[at].float(), self.n_items)

    def transpose(self) -> "RatingMatrix":
        """Return the matrix with items as rows and users as columns."""
        users = torch.repeat_interleave(self.offsets.diff())
        order = torch.argsort(self.items, stable=True)
        counts = torch.bincount(self.items, minlength=self.n_items)
        return RatingMatrix(_offsets(counts), users[order].int(), self.ratings[order], self.n_users)


def _offsets(counts: Tensor) -> Tensor:
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def rating_matrix(user: np.ndarray, item: np.ndarray, rating: np.ndarray, n_users: int, n_items: int) -> RatingMatrix:
    """Build the matrix from columns that are ordered by user, then item."""
    counts = torch.bincount(torch.from_numpy(user), minlength=n_users)
    return RatingMatrix(_offsets(counts), torch.from_numpy(item), torch.from_numpy(rating), n_items)


@dataclass(frozen=True)
class Part:
    """The ratings to predict in a part, each (n_ratings,): user and item int32, rating float32 (stars)."""

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray

    def __len__(self) -> int:
        return len(self.user)


def read_part(folder: str | Path, name: str) -> Part:
    """Read a part of a split (`train`, `valid`, `test`)."""
    return _columns(pq.read_table(Path(folder, f"{name}.parquet"), columns=["user", "item", "rating"]))


def _columns(table: pa.Table) -> Part:
    # A copy, since torch wants writable memory and Arrow's is not.
    return Part(*(table[name].to_numpy().copy() for name in ("user", "item", "rating")))


def read_train(folder: str | Path) -> RatingMatrix:
    """Read a split's training ratings as a matrix; its shape comes from the id maps beside them."""
    train = read_part(folder, "train")
    n_users, n_items = (pq.read_metadata(Path(folder, f"{kind}.parquet")).num_rows for kind in ("users", "items"))
    return rating_matrix(train.user, train.item, train.rating, n_users, n_items)
