"""The training ratings as a sparse matrix (CSR) on the device: 5 bytes a rating of whole stars, no Python object."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from deeprec.files import InputError
from deeprec.sparse import Ratings, weighted_sums

DAYS = 1 << 15  # an int16 holds the days from 1880 to 2059


@dataclass(frozen=True)
class RatingMatrix:
    """Ratings by row (users, or items in a transposed matrix): `items[offsets[u]:offsets[u + 1]]` are u's."""

    offsets: Tensor  # (n_users + 1,) int64
    items: Tensor  # (n_ratings,) int32, ascending within a row
    ratings: Tensor  # (n_ratings,) int8 or float32, stars
    n_items: int
    dates: Tensor | None = None  # (n_ratings,) int16, days since 1970-01-01; read where a model needs them

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
        offsets, items, ratings = (x.to(device) for x in (self.offsets, self.items, self.ratings))
        dates = None if self.dates is None else self.dates.to(device)
        return RatingMatrix(offsets, items, ratings, self.n_items, dates)

    def blocks(self, size: int) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
        """Yield all ratings in order, at most `size` at once: their place; user, item, rating, each (n,)."""
        for start in range(0, self.n_ratings, size):
            place = slice(start, min(start + size, self.n_ratings))
            ends = torch.tensor([place.start, place.stop - 1], device=self.offsets.device)
            first, last = (torch.searchsorted(self.offsets, ends, right=True) - 1).tolist()
            bounds = self.offsets[first : last + 2].clamp(place.start, place.stop)
            user = first + torch.repeat_interleave(bounds.diff())
            yield place, user, self.items[place].long(), self.ratings[place].float()

    def rows(self, rows: Tensor) -> Ratings:
        """Return some rows as a sparse batch, by index arithmetic: the cost follows their ratings."""
        _, at = places(self.offsets, rows)
        counts = self.offsets[rows + 1] - self.offsets[rows]
        return Ratings(_offsets(counts), self.items[at], self.ratings[at].float(), self.n_items)

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        """Return `values` (n_ratings,) in the ratings' places, times a dense matrix: (n_users, k)."""
        return weighted_sums(self.offsets.int(), self.items, values, dense)

    def transpose(self) -> "RatingMatrix":
        """Return the matrix with items as rows and users as columns."""
        users = torch.repeat_interleave(self.offsets.diff())
        order = torch.argsort(self.items, stable=True)
        counts = torch.bincount(self.items, minlength=self.n_items)
        dates = None if self.dates is None else self.dates[order]
        return RatingMatrix(_offsets(counts), users[order].int(), self.ratings[order], self.n_users, dates)


def places(offsets: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return where some rows' entries lie, row by row, as (position in `rows`, place), each (n,)."""
    start = offsets[rows]
    counts = offsets[rows + 1] - start
    position = torch.repeat_interleave(counts)  # (n,)
    first = torch.cumsum(counts, 0) - counts
    return position, torch.arange(len(position), device=rows.device) + (start - first)[position]


def _offsets(counts: Tensor) -> Tensor:
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def rating_matrix(
    user: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
    n_users: int,
    n_items: int,
    date: np.ndarray | None = None,
) -> RatingMatrix:
    """Build the matrix from columns that are ordered by user, then item; `date` as in `Part`."""
    # Not bincount(), which makes an int64 copy of the users.
    offsets = torch.from_numpy(np.searchsorted(user, np.arange(n_users + 1, dtype=np.int32)))
    dates = None if date is None else torch.from_numpy(date.astype(np.int16))
    return RatingMatrix(offsets, torch.from_numpy(item), torch.from_numpy(rating), n_items, dates)


@dataclass(frozen=True)
class Part:
    """The ratings of a part, each (n_ratings,): user and item int32, rating int8 or float32 (stars)."""

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    date: np.ndarray | None = None  # int32, days since 1970-01-01

    def __len__(self) -> int:
        return len(self.user)


def read_part(folder: str | Path, name: str, *, dated: bool = True) -> Part:
    """Read a part of a split (`train`, `valid`, `test`); raise InputError where a date fits no int16.

    A row group at a time goes straight to its place, so that no second copy of the ratings ever exists.
    """
    path = Path(folder, f"{name}.parquet")
    file = pq.ParquetFile(path)
    columns = ["user", "item", "rating", *(["date"] if dated else [])]
    part = {
        column: np.empty(file.metadata.num_rows, np.int32 if column == "date" else _numpy_type(file, column))
        for column in columns
    }
    end = 0
    for batch in file.iter_batches(1 << 20, columns=columns):
        for column, values in zip(columns, batch.columns, strict=True):
            part[column][end : end + len(batch)] = values.view(pa.int32()) if column == "date" else values
        end += len(batch)
    if dated and end and not -DAYS <= part["date"].min() <= part["date"].max() < DAYS:
        ends = part["date"].min(), part["date"].max()
        raise InputError(f"{path}: dates run from day {ends[0]} to {ends[1]} since 1970; expected ±{DAYS}")
    return Part(**part)


def _numpy_type(file: pq.ParquetFile, column: str) -> type:
    return file.schema_arrow.field(column).type.to_pandas_dtype()


def read_train(folder: str | Path, *, dated: bool = False) -> RatingMatrix:
    """Read a split's training ratings as a matrix; its shape comes from the id maps beside them."""
    train = read_part(folder, "train", dated=dated)
    n_users, n_items = (pq.read_metadata(Path(folder, f"{kind}.parquet")).num_rows for kind in ("users", "items"))
    return rating_matrix(train.user, train.item, train.rating, n_users, n_items, train.date)
