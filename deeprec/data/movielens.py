"""MovieLens (GroupLens): where its archives are and how its files read."""

import csv
import io
import logging
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from deeprec.data.archives import ZIP_FAULTS, zip_fault
from deeprec.data.columns import ratings_of, whole_ids_of
from deeprec.data.download import Checksum, DownloadError, download
from deeprec.data.ratings import RepeatedRating, SourceTables, ratings_table
from deeprec.data.text_table import TextTable
from deeprec.data.times import times_of
from deeprec.data.unpacked import zip_member
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

    archive: str
    ratings: str  # member
    items: str  # member
    delimiter: str
    header_lines: int
    encoding: str  # of the titles


LAYOUTS = [
    Layout("ml-100k", "ml-100k/u.data", "ml-100k/u.item", "\t", 0, "latin-1"),
    Layout("ml-1m", "ml-1m/ratings.dat", "ml-1m/movies.dat", "::", 0, "latin-1"),
    Layout("ml-10m", "ml-10M100K/ratings.dat", "ml-10M100K/movies.dat", "::", 0, "utf-8"),
    *(
        Layout(name, f"{name}/ratings.csv", f"{name}/movies.csv", ",", 1, "utf-8")
        for name in ("ml-20m", "ml-25m", "ml-32m", "ml-latest-small")
    ),
    Layout("ml-100k", f"{IN_WHEEL}.inter", f"{IN_WHEEL}.item", "\t", 1, "utf-8"),
]
COLUMNS: dict[str, str | int] = {"user": 0, "item": 1, "rating": 2, "timestamp": 3}
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
    """Read an archive's ratings and items.

    Raises InputError where it is another archive than the definition says, and naming the line that does not fit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            layout = _layout(archive.namelist(), path, source)
            titles = archive.read(layout.items)
    except ZIP_FAULTS as error:
        raise zip_fault(str(path), error) from error
    return SourceTables(_ratings(path, layout), _items(titles, layout, f"{path}:{layout.items}"))


def _layout(members: list[str], path: Path, source: MovieLensSource) -> Layout:
    layout = next((layout for layout in LAYOUTS if layout.ratings in members), None)
    if layout is None:
        expected = " or ".join(layout.ratings for layout in LAYOUTS)
        raise InputError(f"{path}: no MovieLens ratings inside; expected {expected}")
    if layout.items not in members:
        raise InputError(f"{path}: no {layout.items} inside; expected it beside {layout.ratings}")
    if layout.archive != source.archive:
        raise InputError(f"{path}: holds {layout.archive}; expected {source.archive}, as the data set's archive says")
    return layout


def _ratings(path: Path, layout: Layout) -> pa.Table:
    opened = partial(zip_member, path, layout.ratings)
    raw = TextTable(opened, layout.delimiter, header=layout.header_lines > 0, encoding="utf-8").read(COLUMNS)
    raw.check_complete()
    user, item = (whole_ids_of(raw, key) for key in ("user", "item"))
    # Days are UTC's; the original turns dates into local time and back.
    day, seconds = times_of(raw, ".")
    try:
        return ratings_table(user, item, ratings_of(raw, "."), day, seconds, origin=raw.name)
    except RepeatedRating as error:
        first, again = error.rows
        raise InputError(f"{error}: {raw.where(first)} and {raw.where(again)}") from error


def _items(text: bytes, layout: Layout, origin: str) -> pa.Table:
    """Return `item_id`, `title`, `year` (null where unknown), by item."""
    try:
        rows = _title_rows(text.decode(layout.encoding), layout)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{origin}: {error}; expected text in {layout.encoding}") from error
    for line, row in rows:
        if len(row) < 2 or not re.fullmatch(r"\d{1,9}", row[0]):
            raise InputError(f"{origin}:{line}: {' '.join(row)[:80]!r}; expected an item's id and its title")
    titles = [_title(row) for _, row in rows]
    columns = {
        "item_id": pa.array([int(row[0]) for _, row in rows], pa.int32()),
        "title": pa.array([title for title, _ in titles], pa.string()),
        "year": pa.array([year for _, year in titles], pa.int16()),
    }
    items = pa.table(columns)
    return items.take(pc.sort_indices(items, [("item_id", "ascending")]))


def _title_rows(text: str, layout: Layout) -> list[tuple[int, list[str]]]:
    """Return the lines with titles, by their number, cut into fields."""
    if layout.items.endswith(".csv"):
        reader = csv.reader(io.StringIO(text))
        rows = [(reader.line_num, row) for row in reader]
    else:
        delimiter = "|" if layout.items.endswith("u.item") else layout.delimiter
        rows = [(line, words.split(delimiter)) for line, words in enumerate(text.splitlines(), 1)]
    return [(line, row) for line, row in rows[layout.header_lines :] if row and row != [""]]


def _title(row: list[str]) -> tuple[str, int | None]:
    """Return title and year: most archives write `Title (1995)`, the wheel's copy the year in a field."""
    if match := YEAR.fullmatch(row[1].strip()):
        return match[1], _year(match[2])
    return row[1], _year(row[2]) if len(row) > 2 else None


def _year(text: str) -> int | None:
    """Return a year, None where it is none that an item can be of."""
    return int(text) if re.fullmatch(r"\d{4}", text) else None
