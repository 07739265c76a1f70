"""A Parquet file of one's own, whatever types its columns have."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deeprec.data.columns import TEXT, RawColumns
from deeprec.data.text_table import check_names
from deeprec.data.unpacked import Stream
from deeprec.runtime.files import InputError

MAGIC = b"PAR1"
EXPECTED = {
    "user": "text or numbers",
    "item": "text or numbers",
    "rating": "numbers",
    "date": "dates",
    "timestamp": "unix times or date-times",
}


def read_parquet(file: Stream, name: str, columns: dict[str, str | int]) -> RawColumns:
    """Read columns, given by name; raise InputError naming the file, the column and what does not fit."""
    try:
        # Of a stream, the end of the file says where its columns lie.
        parquet = pq.ParquetFile(file if file.seekable() else pa.BufferReader(file.read()))
        names = {key: str(column) for key, column in columns.items()}
        check_names(name, list(names.values()), parquet.schema_arrow.names)
        table = parquet.read(columns=list(names.values()))
        return RawColumns(
            pa.table({key: _plain(table[column], key, f"{name}: column {column}") for key, column in names.items()}),
            name,
        )
    except (pa.ArrowException, OSError) as error:
        words = str(error).splitlines()[0][:200]
        raise InputError(f"{name}: damaged Parquet file ({words})") from error


def _plain(column: pa.ChunkedArray, key: str, place: str) -> pa.ChunkedArray:
    """Return a column as `RawColumns` has them: text, numbers, dates or times, as its key allows."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind):
        raise InputError(f"{place} has no values; expected a {key} in every row")
    if is_text(kind):
        return column.cast(pa.string()).dictionary_encode().cast(TEXT)
    if key in ("user", "item") and (is_number(kind) or pa.types.is_boolean(kind)):
        return _whole(column).cast(pa.string()).dictionary_encode().cast(TEXT)
    if key == "date" and is_number(kind):  # 20050131, if anything
        return _whole(column).cast(pa.string()).dictionary_encode().cast(TEXT)
    if (key in ("rating", "timestamp") and is_number(kind)) or (key in ("date", "timestamp") and is_day(kind)):
        return _without_nan(column)
    raise InputError(f"{place} is of {kind}; expected {EXPECTED[key]}")


def is_number(kind: pa.DataType) -> bool:
    """Say whether a type is one of Arrow's for numbers."""
    return any(test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal))


def is_text(kind: pa.DataType) -> bool:
    """Say whether a type is one of Arrow's for text."""
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def is_day(kind: pa.DataType) -> bool:
    """Say whether a type is one of Arrow's for days and moments."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers with nothing where there is none: pandas writes a missing whole number as NaN."""
    if not pa.types.is_floating(column.type):
        return column
    column = column.cast(pa.float64())
    return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return whole numbers as such, also where the type has fractions: 7, not 7.0 or 7.00."""
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return column
    column = _without_nan(column)
    numbers = column.cast(pa.float64(), safe=False).drop_null().to_numpy()
    whole = bool((np.abs(numbers) < 2.0**53).all() and (numbers == np.floor(numbers)).all())
    return column.cast(pa.float64()).cast(pa.int64()) if whole else column
