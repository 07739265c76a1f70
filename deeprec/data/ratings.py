"""The ratings table, the one form in which every source arrives: a row a rating."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deeprec.data.ordering import by_user
from deeprec.runtime.files import InputError, reading, replacing

SECONDS_A_DAY = 86_400
ROW_GROUP = 1 << 20  # ratings; a reader that wants a few users skips the rest
LEFT_OUT = b"left_out"  # key in the Parquet file's metadata
Chunk = dict[str, np.ndarray]  # columns by name, all of one length


class RepeatedRating(InputError):
    """A user rates an item more than once."""

    def __init__(self, origin: str, user_id: int, item_id: int, n_repeated: int, rows: tuple[int, int]) -> None:
        super().__init__(
            f"{origin}: user {user_id} rates item {item_id} more than once; "
            f"expected one rating a user and item ({n_repeated:,} repeated)"
        )
        self.user_id, self.item_id = user_id, item_id
        self.rows = rows  # the first two of these ratings, as they were given, from 0


@dataclass(frozen=True)
class SourceTables:
    """What a source reads from its files.

    `ratings` as `ratings_table` returns it; `items` has `item_id`, `title` and `year`; `users` has `user_id`
    and `name` where the source knows users by name, else it is None. `left_out` counts ratings that the definition
    has left out, such as those of 0 (`n_zero`).
    """

    ratings: pa.Table
    items: pa.Table
    users: pa.Table | None = None
    left_out: dict[str, int] = field(default_factory=dict)


def ratings_table(
    user_id: np.ndarray,
    item_id: np.ndarray,
    rating: np.ndarray,
    day: np.ndarray,
    timestamp: np.ndarray | None = None,
    *,
    origin: str,
) -> pa.Table:
    """Return the checked table, ordered by user and item.

    Columns: `user_id` int32, `item_id` int32, `rating` (int8 for whole stars, else float32; stars), `date`
    date32 (from `day`, integers since 1970-01-01) and, where the source knows the time of the day,
    `timestamp` (UTC, seconds), without which a user's ratings of one day have no order.

    Raises InputError naming `origin` for no ratings, a negative id, a rating that is 0 or not finite, and for
    a duplicate (user, item).
    """
    if rating.size == 0:
        raise InputError(f"{origin}: no ratings found; expected at least one")
    _check(user_id, item_id, rating, origin)
    user_id, item_id, order = by_user(user_id.astype(np.int32, copy=False), item_id.astype(np.int32, copy=False))
    repeated = (user_id[1:] == user_id[:-1]) & (item_id[1:] == item_id[:-1])
    if repeated.any():
        where = int(repeated.argmax())
        first, second = np.arange(len(user_id))[order][where : where + 2]
        pair = int(user_id[where]), int(item_id[where])
        raise RepeatedRating(origin, *pair, int(repeated.sum()), (int(first), int(second)))
    del repeated
    columns = {
        "user_id": pa.array(user_id),
        "item_id": pa.array(item_id),
        "rating": pa.array(_stars(rating)[order]),
        "date": pa.array(day[order].astype(np.int32, copy=False)).view(pa.date32()),
    }
    if timestamp is not None:
        columns["timestamp"] = pa.array(timestamp[order].astype(np.int64)).view(pa.timestamp("s", "UTC"))
    return pa.table(columns)


def _check(user_id: np.ndarray, item_id: np.ndarray, rating: np.ndarray, origin: str) -> None:
    least = min(user_id.min(), item_id.min())
    if least < 0:
        raise InputError(f"{origin}: id {least}; expected ids from 0")
    # 0 means "not rated" in the loss (slide 7), so that a rating of 0 would vanish without a word.
    bad = (rating == 0) if rating.dtype.kind == "i" else ~np.isfinite(rating) | (rating == 0)
    if bad.any():
        where = int(bad.argmax())
        raise InputError(
            f"{origin}: rating {rating[where]} of user {user_id[where]} for item {item_id[where]}; "
            "expected a finite number other than 0 (0 means 'not rated')"
        )


def _stars(rating: np.ndarray) -> np.ndarray:
    """Return whole stars as int8, others as float32."""
    whole = rating.astype(np.int8, copy=False)
    return whole if np.array_equal(whole, rating) else rating.astype(np.float32, copy=False)


def with_left_out(ratings: pa.Table, counts: dict[str, int]) -> pa.Table:
    """Return a ratings table that carries in its file what was left out of it (`left_out`)."""
    return ratings.replace_schema_metadata({LEFT_OUT: json.dumps(counts)}) if counts else ratings


def left_out(ratings: str | Path) -> dict[str, int]:
    """Return the counts of what was left out of ratings.parquet, by the data set's definition."""
    metadata = pq.read_schema(ratings).metadata or {}
    counts: dict[str, int] = json.loads(metadata.get(LEFT_OUT, b"{}"))
    return counts


def write_table(table: pa.Table, path: str | Path) -> None:
    """Write a Parquet file, whole or not at all, as `TableWriter` does."""
    with replacing(path) as beside:
        writer = TableWriter(beside)
        writer.write_table(table)
        writer.close()


class TableWriter:
    """Writes a Parquet file bit by bit: delta-packed integers, zstd, row groups of 2^20 rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []

    def write(self, chunk: Chunk) -> None:
        """Append columns, of which `date` is in days since 1970-01-01."""
        columns = {name: pa.array(column) for name, column in chunk.items()}
        self.write_table(pa.table({**columns, "date": columns["date"].view(pa.date32())}))

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""
        self._waiting.append(table)
        if sum(part.num_rows for part in self._waiting) >= ROW_GROUP:
            table = pa.concat_tables(self._waiting)
            whole = table.num_rows // ROW_GROUP * ROW_GROUP
            self._write(table.slice(0, whole))
            self._waiting = [table.slice(whole)]

    def _write(self, table: pa.Table) -> None:
        self._opened(table.schema).write_table(table, row_group_size=ROW_GROUP)

    def _opened(self, schema: pa.Schema) -> pq.ParquetWriter:
        if not self._file:
            self._file = pq.ParquetWriter(self._path, schema, **_encoding(schema))
        return self._file

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        rest = pa.concat_tables(self._waiting)
        if rest.num_rows or not self._file:
            self._write(rest)
        self._opened(rest.schema).close()


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    packed = {
        field.name: "DELTA_BINARY_PACKED"
        for field in schema
        if pa.types.is_integer(field.type) and field.type.bit_width >= 32
    }
    return {
        "compression": "zstd",
        "use_dictionary": [name for name in schema.names if name not in packed],
        "column_encoding": packed or None,
    }


def user_chunks(path: str | Path, without: tuple[str, ...] = ()) -> Iterator[Chunk]:
    """Read ratings.parquet a million rows at a time, but all of a user's in one chunk."""
    with reading(path, "a table of ratings: user_id, item_id, rating, date"):
        file = pq.ParquetFile(path)
        columns = [name for name in file.schema_arrow.names if name not in without]
        rest: Chunk = {}
        for batch in file.iter_batches(ROW_GROUP, columns=columns, use_threads=False):
            chunk = {name: _integers(batch.column(name)) for name in columns}
            if rest:
                chunk = {name: np.concatenate([rest[name], column]) for name, column in chunk.items()}
            cut = np.searchsorted(chunk["user_id"], chunk["user_id"][-1])
            rest = {name: column[cut:] for name, column in chunk.items()}
            if cut:
                yield {name: column[:cut] for name, column in chunk.items()}
        if rest:
            yield rest


def _integers(column: pa.Array) -> np.ndarray:
    """Return a column as NumPy's; dates and times as integers, which cost nothing to make."""
    if pa.types.is_date32(column.type):
        column = column.view(pa.int32())
    elif pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    numbers: np.ndarray = column.to_numpy()
    return numbers
