"""MovieLens (GroupLens): where its archives are and how its files read."""

import csv
import io
import logging
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from deeprec.data.archives import arrow_buffer
from deeprec.data.download import Checksum, DownloadError, download
from deeprec.data.ratings import SECONDS_A_DAY, SourceTables, ratings_table
from deeprec.runtime.files import InputError
from deeprec.settings.sources import MovieLensSource

log = logging.getLogger(__name__)

HOME = "https://files.grouplens.org/datasets/movielens/{name}.zip"
MD5 = {
    "ml-100k": "0e33842e24a9c977be4e0107933c0723",
    "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
    "ml-10m": "ce571fd55effeba0271552578f2648bd",
    "ml-20m": "cd245b17a1ae2cc31bb14903e1204af3",
    "ml-25m": "6b51fb2759a8657d3bfcbfc42b592ada",
    "ml-32m": "d472be332d4daa821edc399621853b57",
    "ml-latest-small": None,  # grows over time
}

# The same 100,000 ratings lie in a wheel, which pip brings where the home page cannot be reached.
WHEEL = "recbole==1.2.1"
WHEEL_CHECKSUM = Checksum("sha256", "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407")
IN_WHEEL = "recbole/dataset_example/ml-100k/ml-100k"


@dataclass(frozen=True)
class Layout:
    """How an archive is written: `user, item, rating, unix seconds` a line, and a file of titles."""

    ratings: str  # member
    items: str  # member
    delimiter: str
    header_lines: int
    encoding: str  # of the titles


LAYOUTS = [
    Layout("ml-100k/u.data", "ml-100k/u.item", "\t", 0, "latin-1"),
    Layout("ml-1m/ratings.dat", "ml-1m/movies.dat", "::", 0, "latin-1"),
    Layout("ml-10M100K/ratings.dat", "ml-10M100K/movies.dat", "::", 0, "utf-8"),
    *(
        Layout(f"{name}/ratings.csv", f"{name}/movies.csv", ",", 1, "utf-8")
        for name in ("ml-20m", "ml-25m", "ml-32m", "ml-latest-small")
    ),
    Layout(f"{IN_WHEEL}.inter", f"{IN_WHEEL}.item", "\t", 1, "utf-8"),
]
COLUMNS = {"user": pa.int32(), "item": pa.int32(), "rating": pa.float32(), "seconds": pa.float64()}
YEAR = re.compile(r"(.*?)\s*\((\d{4})\)")


def fetch(source: MovieLensSource, folder: Path, home: str = HOME) -> tuple[Path, str]:
    """Bring an archive into `folder`; return where it lies and where it came from.

    Raises InputError where nobody has it.
    """
    archive = source.archive
    path, url = folder / f"{archive}.zip", home.format(name=archive)
    if path.exists():
        return path, f"{url} (fetched before)"
    try:
        download(url, path, Checksum("md5", known) if (known := source.md5 or MD5[archive]) else None)
        return path, url
    except DownloadError as error:
        if archive != "ml-100k":
            raise
        log.warning("%s\nfalling back to the copy in %s, through pip", error, WHEEL)
    _fetch_wheel(path)
    return path, f"pip download {WHEEL}"


def _fetch_wheel(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        done = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            raise InputError(f"{' '.join(command[1:])} failed: {done.stderr.strip()[-500:]}")
        WHEEL_CHECKSUM.check(wheels[0])
        wheels[0].rename(path)


def read(path: Path, source: MovieLensSource) -> SourceTables:
    """Read an archive's ratings and items; raise InputError naming the member that does not fit, and why."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            layout = next((layout for layout in LAYOUTS if layout.ratings in members), None)
            if layout is None:
                expected = " or ".join(layout.ratings for layout in LAYOUTS)
                raise InputError(f"{path}: no MovieLens ratings inside; expected {expected}")
            with archive.open(layout.ratings) as stream:
                ratings = _ratings(stream, layout, f"{path}:{layout.ratings}")
            return SourceTables(ratings, _items(archive.read(layout.items), layout, f"{path}:{layout.items}"))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise InputError(f"{path}: not a whole MovieLens archive ({error})") from error


def _ratings(stream: IO[bytes], layout: Layout, origin: str) -> pa.Table:
    text, delimiter = stream.read(), layout.delimiter
    if delimiter == "::":  # Arrow takes single characters only
        text, delimiter = text.replace(b"::", b"\t"), "\t"
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(arrow_buffer([text])),
            read_options=pa.csv.ReadOptions(column_names=list(COLUMNS), skip_rows=layout.header_lines),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter),
            convert_options=pa.csv.ConvertOptions(column_types=COLUMNS, null_values=[]),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{origin}: {error}; expected user, item, rating, unix seconds a line") from error
    user, item, rating, seconds = (column.to_numpy() for column in table.columns)
    seconds = seconds.astype(np.int64)
    # Days are UTC's; the original turns dates into local time and back.
    return ratings_table(user, item, rating, (seconds // SECONDS_A_DAY).astype(np.int32), seconds, origin=origin)


def _items(text: bytes, layout: Layout, origin: str) -> pa.Table:
    """Return `item_id`, `title`, `year` (null where unknown), by item."""
    rows = _title_rows(text.decode(layout.encoding), layout)
    try:
        ids = pa.array([int(row[0]) for row in rows], pa.int32())
        titles = [_title(row) for row in rows]
    except (ValueError, IndexError) as error:
        raise InputError(f"{origin}: {error}; expected an item's id and its title a line") from error
    year = pa.array([year for _, year in titles], pa.int16())
    items = pa.table({"item_id": ids, "title": pa.array([title for title, _ in titles], pa.string()), "year": year})
    return items.take(pc.sort_indices(items, [("item_id", "ascending")]))


def _title_rows(text: str, layout: Layout) -> list[list[str]]:
    if layout.items.endswith(".csv"):
        return list(csv.reader(io.StringIO(text)))[1:]
    delimiter = "|" if layout.items.endswith("u.item") else layout.delimiter
    return [line.split(delimiter) for line in text.splitlines()[layout.header_lines :]]


def _title(row: list[str]) -> tuple[str, int | None]:
    """Return title and year: most archives write `Title (1995)`, the wheel's copy the year in a field."""
    if match := YEAR.fullmatch(row[1].strip()):
        return match[1], int(match[2])
    year = row[2] if len(row) > 2 else ""
    return row[1], int(year) if year.isdigit() else None
