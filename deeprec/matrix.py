"""The training ratings as a sparse matrix (CSR) on the device: 3 bytes a rating, no Python object.

An item is an int16 (an int32 where there are more than 32,767), a rating of whole stars an int8.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from deeprec.files import InputError
from deeprec.sparse import Ratings, weighted_sums

INT16 = 1 << 15  # what an int16 holds ends before it: the days from 1880 to 2059, the items of all but huge data sets
BATCH = 1 << 16  # ratings read at once, and
BLOCK = 1 << 19  # computed at once: they bound memory, not results


@dataclass(frozen=True)
class RatingMatrix:
    """Ratings by row (users, or items in a transposed matrix): `items[offsets[u]:offsets[u + 1]]` are u's."""

    offsets: Tensor  # (n_users + 1,) int64
    items: Tensor  # (n_ratings,) int16 or int32, ascending within a row
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

    @cached_property
    def _host_offsets(self) -> Tensor:
        return self.offsets.cpu()

    def count(self, rows: Tensor) -> int:
        """Return the number of ratings in some rows, given on the CPU."""
        return int((self._host_offsets[rows + 1] - self._host_offsets[rows]).sum())

    def rows(self, rows: Tensor) -> Ratings:
        """Return some rows, given on the CPU, as a sparse batch: the cost follows their ratings."""
        # How many ratings they have is worked out on the CPU: asking a GPU would wait for all that it has to do.
        start = self._host_offsets[rows]
        ends = _offsets(self._host_offsets[rows + 1] - start)
        n, device = int(ends[-1]), self.items.device
        offsets, shift = (x.to(device, non_blocking=True) for x in (ends, start - ends[:-1]))
        at = torch.arange(n, device=device) + torch.repeat_interleave(shift, offsets.diff(), output_size=n)
        return Ratings(offsets, self.items[at], self.ratings[at].float(), self.n_items)

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        """Return `values` (n_ratings,) in the ratings' places, times a dense matrix: (n_users, k)."""
        return weighted_sums(self.offsets.int(), self.items.int(), values, dense)

    def transpose(self) -> "RatingMatrix":
        """Return the matrix with items as rows and users as columns."""
        # By blocks, each item's ratings behind those of blocks before: a sort of all takes several times its memory.
        n_per_item = sum(torch.bincount(part, minlength=self.n_items) for part in self.items.split(BLOCK))
        offsets = _offsets(n_per_item)
        users, ratings = self.items.new_empty(self.n_ratings, dtype=torch.int32), torch.empty_like(self.ratings)
        dates = None if self.dates is None else torch.empty_like(self.dates)
        end = offsets[:-1].clone()  # of each item's ratings so far
        for place, user, item, _ in self.blocks(BLOCK):
            item, order = torch.sort(item, stable=True)
            count = torch.bincount(item, minlength=self.n_items)
            to = torch.arange(len(item), device=item.device) + (end - count.cumsum(0) + count)[item]
            users[to], ratings[to] = user[order].int(), self.ratings[place][order]
            if dates is not None:
                dates[to] = self.dates[place][order]
            end += count
        return RatingMatrix(offsets, users, ratings, self.n_users, dates)


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
    """Read a part of a split (`train`, `valid`, `test`); raise InputError where a date fits no int16."""
    path = Path(folder, f"{name}.parquet")
    file = pq.ParquetFile(path)
    types = {"user": np.int32, "item": np.int32, "rating": _rating_type(file), **({"date": np.int32} if dated else {})}
    part = {column: np.empty(file.metadata.num_rows, kind) for column, kind in types.items()}
    for place, batch in _batches(path, list(part)):
        for column, values in batch.items():
            part[column][place] = values
    return Part(**part)


def read_train(folder: str | Path, *, dated: bool = False) -> RatingMatrix:
    """Read a split's training ratings as a matrix; its shape comes from the id maps beside them.

    Straight from the file: the column of users never is whole in memory.
    """
    n_users, n_items = (pq.read_metadata(Path(folder, f"{kind}.parquet")).num_rows for kind in ("users", "items"))
    path = Path(folder, "train.parquet")
    file = pq.ParquetFile(path)
    item_type = np.int16 if n_items < INT16 else np.int32
    types = {"item": item_type, "rating": _rating_type(file), **({"date": np.int16} if dated else {})}
    part = {column: np.empty(file.metadata.num_rows, kind) for column, kind in types.items()}
    offsets = np.zeros(n_users + 1, np.int64)
    for place, batch in _batches(path, ["user", *part]):
        offsets[1:] += np.bincount(batch.pop("user"), minlength=n_users)
        for column, values in batch.items():
            part[column][place] = values
    tensors = {column: torch.from_numpy(values) for column, values in part.items()}
    return RatingMatrix(
        torch.from_numpy(offsets.cumsum()), tensors["item"], tensors["rating"], n_items, tensors.get("date")
    )


def _batches(path: Path, columns: list[str]) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Yield columns of a part, some ratings at a time, with their place; dates as days since 1970-01-01."""
    file, end = pq.ParquetFile(path), 0
    # One row group after the other: a reader of many keeps what it has read of each.
    groups = (file.iter_batches(BATCH, [group], columns) for group in range(file.num_row_groups))
    for batch in chain.from_iterable(groups):
        place = slice(end, end := end + len(batch))
        arrays = dict(zip(columns, batch.columns, strict=True))
        found = {name: (x.view(pa.int32()) if name == "date" else x).to_numpy() for name, x in arrays.items()}
        if "date" in found and not -INT16 <= (first := found["date"].min()) <= (last := found["date"].max()) < INT16:
            raise InputError(f"{path}: dates run from day {first} to {last} since 1970; expected ±{INT16}")
        yield place, found


def _rating_type(file: pq.ParquetFile) -> type:
    return file.schema_arrow.field("rating").type.to_pandas_dtype()
