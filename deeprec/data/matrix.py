"""The training ratings as a sparse matrix (CSR) on the device: 3 bytes a rating, no Python object.

A column is an int16 (an int32 where there are more than 32,767), a rating of whole stars an int8.
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

from deeprec.data.sparse import Pattern, SparseRows, weighted_sums
from deeprec.runtime.files import InputError, reading

A_PART = "a part of a split: user, item, rating, date"
INT16 = 1 << 15  # what an int16 holds ends before it: the days from 1880 to 2059, the items of all but huge data sets
READ_RATINGS = 1 << 16  # ratings read at once, and
BLOCK_RATINGS = 1 << 19  # computed at once: they bound memory, not results


@dataclass(frozen=True)
class RatingMatrix:
    """Ratings by row and column: users and items, or items and users in a transposed matrix.

    Row r's are `columns[offsets[r]:offsets[r + 1]]`, with their `values`; an entry is an index into those two.
    """

    offsets: Tensor  # (n_rows + 1,) int64, where each row's entries begin, and the last one's end
    columns: Tensor  # (n_ratings,) int16 or int32, ascending within a row
    values: Tensor  # (n_ratings,) int8 or float32, stars
    n_columns: int
    dates: Tensor | None = None  # (n_ratings,) int16, days since 1970-01-01; read where a model needs them

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    @property
    def n_ratings(self) -> int:
        """Number of stored ratings."""
        return len(self.columns)

    def to(self, device: torch.device | str) -> "RatingMatrix":
        """Return the matrix on another device."""
        offsets, columns, values = (x.to(device) for x in (self.offsets, self.columns, self.values))
        dates = None if self.dates is None else self.dates.to(device)
        return RatingMatrix(offsets, columns, values, self.n_columns, dates)

    def blocks(self, size: int) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
        """Yield all ratings in order, at most `size` at once: the slice of entries; row, column, value, each (n,)."""
        for start in range(0, self.n_ratings, size):
            entries = slice(start, min(start + size, self.n_ratings))
            ends = torch.tensor([entries.start, entries.stop - 1], device=self.offsets.device)
            first, last = (torch.searchsorted(self.offsets, ends, right=True) - 1).tolist()
            bounds = self.offsets[first : last + 2].clamp(entries.start, entries.stop)
            row = first + torch.repeat_interleave(bounds.diff())
            yield entries, row, self.columns[entries].long(), self.values[entries].float()

    @cached_property
    def _host_offsets(self) -> Tensor:
        return self.offsets.cpu()

    def count(self, rows: Tensor) -> int:
        """Return the number of ratings in some rows, given on the CPU."""
        return int(counts_of(self._host_offsets, rows).sum())

    def rows(self, rows: Tensor) -> SparseRows:
        """Return some rows, given on the CPU, as a sparse batch: the cost follows their ratings."""
        # How many ratings they have is worked out on the CPU: asking a GPU would wait for all that it has to do.
        ends = offsets_of(counts_of(self._host_offsets, rows))
        n, device = int(ends[-1]), self.columns.device
        offsets, shift = (x.to(device, non_blocking=True) for x in (ends, self._host_offsets[rows] - ends[:-1]))
        entries = torch.arange(n, device=device) + torch.repeat_interleave(shift, offsets.diff(), output_size=n)
        return SparseRows(Pattern(offsets, self.columns[entries], self.n_columns), self.values[entries].float())

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        """Multiply a matrix of this one's pattern, with other `values` (n_ratings,), by a dense one (n_columns, k).

        Returns the product, (n_rows, k).
        """
        return weighted_sums(self.offsets.int(), self.columns.int(), values, dense)

    def transpose(self) -> "RatingMatrix":
        """Return the matrix with rows and columns changed."""
        # By blocks, each column's ratings behind those of blocks before: a sort of all takes several times its memory.
        counts = self.offsets.new_zeros(self.n_columns)
        for part in self.columns.split(BLOCK_RATINGS):
            counts += torch.bincount(part, minlength=self.n_columns)
        offsets = offsets_of(counts)
        rows, values = self.columns.new_empty(self.n_ratings, dtype=torch.int32), torch.empty_like(self.values)
        dates = None if self.dates is None else torch.empty_like(self.dates)
        end = offsets[:-1].clone()  # of each column's ratings so far
        for entries, row, column, _ in self.blocks(BLOCK_RATINGS):
            column, order = torch.sort(column, stable=True)
            count = torch.bincount(column, minlength=self.n_columns)
            to = torch.arange(len(column), device=column.device) + (end - count.cumsum(0) + count)[column]
            rows[to], values[to] = row[order].int(), self.values[entries][order]
            if dates is not None and self.dates is not None:
                dates[to] = self.dates[entries][order]
            end += count
        return RatingMatrix(offsets, rows, values, self.n_rows, dates)


def offsets_of(counts: Tensor) -> Tensor:
    """Return where each row's entries begin, and the last one's end, (n_rows + 1,), from the rows' counts."""
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def counts_of(offsets: Tensor, rows: Tensor) -> Tensor:
    """Return how many entries some rows have, (n,)."""
    return offsets[rows + 1] - offsets[rows]


def entries_of(offsets: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return all entries of some rows, row by row: each one's row, as an index into `rows`, and the entry, (n,)."""
    counts = counts_of(offsets, rows)
    row = torch.repeat_interleave(counts)  # (n,)
    first = torch.cumsum(counts, 0) - counts
    return row, torch.arange(len(row), device=rows.device) + (offsets[rows] - first)[row]


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
    with reading(path, A_PART):
        file = pq.ParquetFile(path)
        types = {"user": np.int32, "item": np.int32, "rating": _rating_type(file)}
        types |= {"date": np.int32} if dated else {}
        part = {column: np.empty(file.metadata.num_rows, kind) for column, kind in types.items()}
        for rows, batch in _batches(path, list(part)):
            for column, values in batch.items():
                part[column][rows] = values
        return Part(**part)


def read_train(folder: str | Path, *, dated: bool = False) -> RatingMatrix:
    """Read a split's training ratings as a matrix; its shape comes from the id maps beside them.

    Straight from the file: the column of users never is whole in memory.
    """
    n_users, n_items = (_n_rows(Path(folder, f"{kind}.parquet")) for kind in ("users", "items"))
    path = Path(folder, "train.parquet")
    with reading(path, A_PART):
        file = pq.ParquetFile(path)
        item_type = np.int16 if n_items < INT16 else np.int32
        types = {"item": item_type, "rating": _rating_type(file), **({"date": np.int16} if dated else {})}
        part = {column: np.empty(file.metadata.num_rows, kind) for column, kind in types.items()}
        offsets = np.zeros(n_users + 1, np.int64)
        for rows, batch in _batches(path, ["user", *part]):
            offsets[1:] += np.bincount(batch.pop("user"), minlength=n_users)
            for column, values in batch.items():
                part[column][rows] = values
        if len(part["item"]) and not 0 <= part["item"].min() <= part["item"].max() < n_items:
            found = f"items {part['item'].min()} to {part['item'].max()}"
            raise InputError(f"{path}: found {found}; expected 0 to {n_items - 1}, as in items.parquet beside it")
    tensors = {column: torch.from_numpy(values) for column, values in part.items()}
    return RatingMatrix(
        torch.from_numpy(offsets.cumsum()), tensors["item"], tensors["rating"], n_items, tensors.get("date")
    )


def _n_rows(path: Path) -> int:
    with reading(path, "a split's map of ids"):
        n_rows: int = pq.read_metadata(path).num_rows
        return n_rows


def _batches(path: Path, columns: list[str]) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Yield columns of a part, some rows at a time, with the slice of rows; dates as days since 1970-01-01."""
    file, end = pq.ParquetFile(path), 0
    # One row group after the other: a reader of many keeps what it has read of each.
    groups = (file.iter_batches(READ_RATINGS, [group], columns) for group in range(file.num_row_groups))
    for batch in chain.from_iterable(groups):
        rows = slice(end, end := end + len(batch))
        arrays = dict(zip(columns, batch.columns, strict=True))
        found = {name: (x.view(pa.int32()) if name == "date" else x).to_numpy() for name, x in arrays.items()}
        if "date" in found and not -INT16 <= (first := found["date"].min()) <= (last := found["date"].max()) < INT16:
            raise InputError(f"{path}: dates run from day {first} to {last} since 1970; expected ±{INT16}")
        yield rows, found


def _rating_type(file: pq.ParquetFile) -> type:
    kind: type = file.schema_arrow.field("rating").type.to_pandas_dtype()
    return kind
