"""Tables that people hand in and take away: pairs and ratings read, predictions written, some rows at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from deeprec.data.ratings import TableWriter
from deeprec.runtime.files import InputError, replacing
from deeprec.serving.catalogue import Ids
from deeprec.serving.new_ratings import check_columns
from deeprec.serving.recommender import NewUser, Recommender

BLOCK_BYTES, BLOCK_ROWS = 1 << 24, 1 << 19  # of text and of Parquet, read at once: they bound memory, not results
SUFFIXES = (".csv", ".parquet")
TEXT = ("user_id", "item_id", "date")  # in a CSV file, whatever they look like
WRITTEN = ("title", "prediction")


def predict_pairs(model: Recommender, path: Path, *, clip: bool = True) -> Iterator[pa.Table]:
    """Yield a table of pairs, `user_id`, `item_id` and perhaps `date`, with each pair's `title` and `prediction`.

    Other columns stay beside them. Raises InputError that names the file, the line and what in it does not fit.
    """
    for place, block in _blocks(path):
        names = block.column_names
        check_columns([name for name in names if name in TEXT], TEXT[:2], TEXT[2:], str(path))
        if taken := [name for name in WRITTEN if name in names]:
            raise InputError(f"{path}: found a column {', '.join(taken)}, which is to be written; expected no such")
        user, item = (_dense(ids, block, place) for ids in (model.catalogue.users, model.catalogue.items))
        dates = block["date"].to_pandas() if "date" in names else [None] * len(block)
        try:
            day = model.days(pd.Index(dates, dtype=object))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        prediction = model.predict_dense(user, item, day, clip=clip)
        for ids, dense in ((model.catalogue.users, user), (model.catalogue.items, item)):
            at = names.index(f"{ids.kind}_id")
            block = block.set_column(at, names[at], _column(ids.known[dense]))
        yield block.append_column("title", _column(model.catalogue.titles[item], pa.string())).append_column(
            "prediction", pa.array(prediction)
        )


def user_of(model: Recommender, path: Path) -> NewUser:
    """Take in the new user whose ratings a table holds: `item_id`, `rating` and perhaps `date`.

    Raises InputError that names the file, and the line or the item that does not fit.
    """
    blocks = []
    for place, block in _blocks(path):
        ratings = block.to_pandas()
        if "item_id" in ratings:
            items = model.catalogue.items
            ratings = ratings.assign(item_id=items.known[_dense(items, block, place)])
        blocks.append(ratings)
    return model.add_user(pd.concat(blocks[-1:] if len(blocks) == 1 else blocks[1:]), origin=str(path))


class _Place:
    """Where a block of a file begins, to name a row as an editor counts."""

    def __init__(self, path: Path, first: int, *, is_text: bool) -> None:
        self.path, self.first, self.is_text = path, first, is_text

    def __getitem__(self, row: int) -> str:
        return f"{self.path}:{self.first + row + 2}" if self.is_text else f"{self.path}: row {self.first + row + 1}"


def _dense(ids: Ids, block: pa.Table, place: _Place) -> np.ndarray:
    """Return dense indices, (n,) int32; raise InputError that names the first row whose id is unknown."""
    asked = block[f"{ids.kind}_id"].to_pandas()
    ids = ids.as_written if place.is_text else ids
    found = ids.find(pd.Index(asked, dtype=object if ids.are_names else None))
    if (unknown := found < 0).any():
        row = int(unknown.argmax())
        raise InputError(f"{place[row]}: {ids.kind} {asked.tolist()[row]!r}: {ids.expected}")
    return found


def _column(values: Any, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(values, kind, from_pandas=True)


def _blocks(path: Path) -> Iterator[tuple[_Place, pa.Table]]:
    """Yield a table, CSV with a header or Parquet: first no row of it, for its columns, then some rows at a time."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: found {path.suffix or 'no ending'!r}; expected a file {' or '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    is_text, first = path.suffix == ".csv", 0
    try:
        schema, batches = _open_csv(path) if is_text else _open_parquet(path)
        yield _Place(path, 0, is_text=is_text), schema.empty_table()
        for batch in batches:
            yield _Place(path, first, is_text=is_text), pa.Table.from_batches([batch])
            first += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        expected = "a comma-separated table with a header" if is_text else "a Parquet file"
        raise InputError(f"{path}: {' '.join(str(error).split())}; expected {expected}") from error


def _open_csv(path: Path) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    read = pa.csv.ReadOptions(block_size=BLOCK_BYTES)
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(TEXT, pa.string()))
    reader = pa.csv.open_csv(path, read, convert_options=convert)
    return reader.schema, reader


def _open_parquet(path: Path) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    file = pq.ParquetFile(path)
    return file.schema_arrow, file.iter_batches(BLOCK_ROWS)


def check_suffix(path: Path | None) -> None:
    """Raise InputError where a file to write is of no kind that is known."""
    if path is not None and path.suffix not in SUFFIXES:
        raise InputError(f"--out: found {str(path)!r}; expected a file {' or '.join(SUFFIXES)}")


def write_blocks(blocks: Iterable[pa.Table], path: Path) -> int:
    """Write tables of the same columns as one CSV or Parquet file, whole or not at all; return the number of rows."""
    check_suffix(path)
    n_rows = 0
    with replacing(path) as beside:
        writer: TableWriter | pa.csv.CSVWriter | None = None
        for block in blocks:
            if writer is None:
                writer = pa.csv.CSVWriter(beside, block.schema) if path.suffix == ".csv" else TableWriter(beside)
            writer.write_table(block)
            n_rows += len(block)
        if writer is not None:
            writer.close()
    return n_rows
