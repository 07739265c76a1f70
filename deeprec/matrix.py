"""The training ratings as a sparse matrix (CSR) on the device: 5 bytes a rating of whole stars, no Python object."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor


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

    def entries(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the ratings of some rows as (position in `rows`, item, rating), each (n,), by index arithmetic."""
        start = self.offsets[rows]
        counts = self.offsets[rows + 1] - start
        position = torch.repeat_interleave(counts)  # (n,)
        first = torch.cumsum(counts, 0) - counts
        at = torch.arange(len(position), device=rows.device) + (start - first)[position]
        return position, self.items[at].long(), self.ratings[at].float()

    def dense(self, rows: Tensor) -> Tensor:
        """Return some rows as vectors, (len(rows), n_items) float32, 0 where not rated (slide 7)."""
        position, item, rating = self.entries(rows)
        x = torch.zeros(len(rows), self.n_items, device=rows.device)
        x[position, item] = rating
        return x

    def transpose(self) -> "RatingMatrix":
        """Return the matrix with items as rows and users as columns."""
        users = torch.repeat_interleave(self.offsets.diff())
        order = torch.argsort(self.items, stable=True)
        counts = torch.bincount(self.items, minlength=self.n_items)
        return RatingMatrix(_offsets(counts), users[order].int(), self.ratings[order], self.n_users)


def _offsets(counts: Tensor) -> Tensor:
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def rating_matrix(
    user: np.ndarray, item: np.ndarray, rating: np.ndarray, n_users: int, n_items: int
) -> RatingMatrix:
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
    """Read a split's training ratings as a matrix; its shape comes from the id maps beside them.

    A row group at a time goes straight to its place, so that no second copy of the ratings ever exists.
    """
    n_users, n_items = (
        pq.read_metadata(Path(folder, f"{kind}.parquet")).num_rows for kind in ("users", "items")
    )
    file = pq.ParquetFile(Path(folder, "train.parquet"))
    n_ratings = file.metadata.num_rows
    items = np.empty(n_ratings, np.int32)
    ratings = np.empty(n_ratings, file.schema_arrow.field("rating").type.to_pandas_dtype())
    counts, end = np.zeros(n_users, np.int64), 0
    for batch in file.iter_batches(1 << 20, columns=["user", "item", "rating"]):
        user, items[end : end + len(batch)], ratings[end : end + len(batch)] = (
            c.to_numpy() for c in batch.columns
        )
        counts[user[0] : user[-1] + 1] += np.bincount(user - user[0])
        end += len(batch)
    return RatingMatrix(
        _offsets(torch.from_numpy(counts)), torch.from_numpy(items), torch.from_numpy(ratings), n_items
    )
