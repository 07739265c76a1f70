"""A split in the authors' text format: a folder a part, `user<TAB>item<TAB>rating` a line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from deeprec.runtime.files import InputError, reading, replacing

PARTS = ("train", "valid", "test")
COLUMNS = ["user", "item", "rating"]


def write_text_format(split: Path, out: Path) -> None:
    """Write the parts of a split below `out`; raise InputError where it has ratings of 0, their sign for none."""
    for part in PARTS:
        path = split / f"{part}.parquet"
        with reading(path, "a part of a split: user, item, rating"):
            table = pq.read_table(path, columns=COLUMNS)
        if n_zero := pc.sum(pc.equal(table["rating"], 0)).as_py():
            raise InputError(
                f"{path}: found {n_zero:,} ratings of 0; expected none, for the authors' program leaves them out"
            )
        write_part(table, out / part / "ratings.txt")


def write_part(table: pa.Table, path: Path) -> None:
    """Write the ratings of a table with COLUMNS."""
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t")
    with replacing(path) as beside:
        pyarrow.csv.write_csv(table.select(COLUMNS), beside, options)
