"""Ratings from any delimited or Parquet file, with the columns that the config names."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from deeprec.data.archives import arrow_buffer
from deeprec.data.ratings import SECONDS_A_DAY, SourceTables, ratings_table
from deeprec.runtime.files import InputError
from deeprec.settings.sources import CsvSource

NAMES = pa.dictionary(pa.int32(), pa.string())
TYPES = {"user": NAMES, "item": NAMES, "rating": pa.float32(), "date": pa.date32(), "timestamp": pa.int64()}


def read(path: Path, source: CsvSource) -> SourceTables:
    """Read ratings; `source.columns` names user, item, rating, and date or timestamp (unix seconds).

    Where all ids of a column are whole numbers from 0 as one writes them they are kept, else names are numbered from 1
    in their order; then
    `title` of an item and `name` of a user is the file's own. Raises InputError naming the file, the row and
    what does not fit.
    """
    table = _read_parquet(path, source) if path.suffix == ".parquet" else _read_delimited(path, source)
    for name in table.column_names:
        if table[name].null_count:
            row = pc.index(pc.is_null(table[name]), True).as_py()
            raise InputError(f"{path}: row {row + 1} has no {name}; expected a value in every row")
    if not table.num_rows:
        raise InputError(f"{path}: no ratings found")
    table, n_zero = _without_zeros(table, source, str(path))
    user_id, users = _ids(table["user"])
    item_id, items = _ids(table["item"])
    day, seconds = _time(table)
    ratings = ratings_table(user_id, item_id, table["rating"].to_numpy(), day, seconds, origin=str(path))
    return SourceTables(
        ratings,
        items=pa.table(
            {"item_id": items[0], "title": items[1], "year": pa.nulls(len(items[0]), pa.int16())},
        ),
        users=pa.table({"user_id": users[0], "name": users[1]}),
        left_out={"n_zero": n_zero} if source.zero == "drop" else {},
    )


def _without_zeros(table: pa.Table, source: CsvSource, origin: str) -> tuple[pa.Table, int]:
    """Return the table without ratings of 0, if they are to be dropped, and how many these were.

    Raises InputError where 0 lies between other ratings: of a scale that crosses 0 they would be missed.
    """
    if source.zero == "refuse":
        return table, 0
    rated = table.filter(pc.not_equal(table["rating"], 0))
    ends = pc.min_max(rated["rating"]).as_py()
    if 0 < rated.num_rows < table.num_rows and ends["min"] < 0 < ends["max"]:
        raise InputError(
            f"{origin}: ratings run from {ends['min']:g} to {ends['max']:g}, so that 0 is one of the scale; "
            "expected a scale that does not cross 0, for zero: drop"
        )
    return rated, table.num_rows - rated.num_rows


def _columns(source: CsvSource) -> dict[str, str | int]:
    return source.columns.model_dump(exclude_none=True)


def _read_delimited(path: Path, source: CsvSource) -> pa.Table:
    columns, header = _columns(source), source.header
    # Without a header, columns are named by their number, from 0; Arrow calls them f0, f1, ….
    names = {key: str(name) if header else f"f{name}" for key, name in columns.items()}
    convert = pa.csv.ConvertOptions(
        column_types={name: TYPES[key] for key, name in names.items()},
        include_columns=list(names.values()),
        null_values=[""],
        strings_can_be_null=True,
    )
    delimiter = source.delimiter
    if len(delimiter) > 1:
        text = path.read_bytes().replace(delimiter.encode(), b"\x1f")
        delimiter = "\x1f"
    parse = pa.csv.ParseOptions(delimiter=delimiter)
    for threads in (True, False):  # only a single thread counts the rows, for the message
        try:
            read = pa.csv.ReadOptions(autogenerate_column_names=not header, use_threads=threads)
            file = pa.BufferReader(arrow_buffer([text])) if len(source.delimiter) > 1 else path
            return pa.csv.read_csv(file, read, parse, convert).rename_columns(list(names))
        except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
            fault = error
    raise InputError(
        f"{path}: {fault}; expected {', '.join(f'{key} in {name}' for key, name in columns.items())}"
    ) from fault


def _read_parquet(path: Path, source: CsvSource) -> pa.Table:
    columns = _columns(source)
    try:
        found = pq.read_schema(path).names
        if missing := [str(name) for name in columns.values() if name not in found]:
            raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(found)}")
        table = pq.read_table(path, columns=list(columns.values())).rename_columns(list(columns))
        return pa.table({key: _cast(table[key], key) for key in columns})
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: {error}; expected a Parquet file with {', '.join(columns)}") from error


def _cast(column: pa.ChunkedArray, key: str) -> pa.ChunkedArray:
    if key == "timestamp" and pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("s", column.type.tz), safe=False)
    if TYPES[key] == NAMES:
        return column.cast(pa.string()).dictionary_encode()
    return column.cast(TYPES[key], safe=key not in ("rating", "date"))


def _ids(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[pa.Array, pa.Array]]:
    """Return an int32 id a row, and all ids with their names, ascending."""
    whole = column.unify_dictionaries().combine_chunks()
    names, codes = whole.dictionary, whole.indices.to_numpy()
    numbers = _numbers(names)
    if numbers is None:
        order = pc.array_sort_indices(names).to_numpy()
        numbers = np.empty(len(names), np.int32)
        numbers[order] = np.arange(1, len(names) + 1)
    order = np.argsort(numbers)
    return numbers[codes], (pa.array(numbers[order], pa.int32()), names.take(pa.array(order)))


def _numbers(names: pa.Array) -> np.ndarray | None:
    """Return ids as numbers, None where one of them is a name: `007` is not 7, and -1 cannot be an id."""
    try:
        numbers = names.cast(pa.int32())
    except pa.ArrowInvalid:
        return None
    written_so = pc.all(pc.equal(numbers.cast(pa.string()), names)).as_py()
    found: np.ndarray = numbers.to_numpy()
    return found if written_so and found.min(initial=0) >= 0 else None


def _time(table: pa.Table) -> tuple[np.ndarray, np.ndarray | None]:
    """Return days since 1970-01-01 (UTC), and seconds where the file has them."""
    if "date" in table.column_names:
        return table["date"].cast(pa.int32()).to_numpy(), None
    seconds = table["timestamp"].to_numpy()
    return (seconds // SECONDS_A_DAY).astype(np.int32), seconds
