"""Ratings from any delimited or Parquet file, with the columns that the config names."""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from deeprec.data.columns import RawColumns, ids_of, ratings_of
from deeprec.data.parquet_table import MAGIC, read_parquet
from deeprec.data.ratings import RepeatedRating, SourceTables, ratings_table
from deeprec.data.repeated import settle
from deeprec.data.text_table import TextTable
from deeprec.data.times import times_of
from deeprec.data.unpacked import unpacked
from deeprec.runtime.files import InputError
from deeprec.settings.sources import CsvSource


def read(path: Path, source: CsvSource) -> SourceTables:
    """Read ratings; `source.columns` names user, item, rating, and date or timestamp.

    What the file is, its content says: Parquet or delimited text, compressed or in a zip. Ids are kept where all of a
    column are whole numbers from 0, else names are numbered (`ids_of`); `title` of an item and `name` of a user is the
    file's own. Raises InputError naming the file, the row and what does not fit.
    """
    raw = read_columns(path, source)
    raw.check_complete()
    if not raw.table.num_rows:
        raise InputError(f"{path}: no ratings found; expected at least one")
    rating = ratings_of(raw, source.decimal)
    zero = rating == 0
    if zero.any():
        _check_zeros(raw, rating, source)
        raw, rating = raw.without(zero), rating[~zero]
        if not len(rating):
            raise InputError(f"{path}: every rating is 0, which means 'not rated'; expected other numbers")
    (user_id, users), (item_id, items) = ids_of(raw.table["user"]), ids_of(raw.table["item"])
    day, seconds = times_of(raw, source.decimal)
    counts = {"n_zero": int(zero.sum())} if source.zero == "drop" else {}
    if source.repeated != "refuse":
        kept, rating = settle(user_id, item_id, rating, day if seconds is None else seconds, source.repeated)
        counts["n_repeated"] = len(user_id) - len(kept)
        user_id, item_id, day = user_id[kept], item_id[kept], day[kept]
        seconds = None if seconds is None else seconds[kept]
    try:
        ratings = ratings_table(user_id, item_id, rating, day, seconds, origin=str(path))
    except RepeatedRating as error:
        raise _twice(raw, *error.rows) from error
    return SourceTables(
        ratings,
        items=pa.table({"item_id": items[0], "title": items[1], "year": pa.nulls(len(items[0]), pa.int16())}),
        users=pa.table({"user_id": users[0], "name": users[1]}),
        left_out=counts,
    )


def read_columns(path: Path, source: CsvSource) -> RawColumns:
    """Read the columns as the file has them."""
    columns = source.columns.model_dump(exclude_none=True)
    with unpacked(path) as (name, file):
        if file.peek(len(MAGIC)).startswith(MAGIC):
            return read_parquet(file, name, columns)
    return TextTable(partial(unpacked, path), source.delimiter, source.header, source.encoding).read(columns)


def _check_zeros(raw: RawColumns, rating: np.ndarray, source: CsvSource) -> None:
    """Raise InputError where ratings of 0 are refused, or lie between others: of such a scale they would be missed."""
    row = int((rating == 0).argmax())
    if source.zero == "refuse":
        pair = f"of user {raw.shown('user', row)} for item {raw.shown('item', row)}"
        raise InputError(
            f"{raw.place(row)}: rating 0 {pair}; expected another number, since 0 means 'not rated', or say zero: drop"
        )
    if rating.min() < 0 < rating.max():
        raise InputError(
            f"{raw.place(row)}: rating 0, where ratings run from {rating.min():g} to {rating.max():g}; "
            "expected a scale that does not cross 0, which zero: drop would tear"
        )


def _twice(raw: RawColumns, row: int, again: int) -> InputError:
    pair = f"user {raw.shown('user', row)} rates item {raw.shown('item', row)}"
    return InputError(
        f"{raw.place(again)}: {pair} again, after {raw.where(row)}; expected one rating a user and item, or say "
        "repeated: last, first or mean"
    )
