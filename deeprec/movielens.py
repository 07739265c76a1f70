"""MovieLens (GroupLens): where its archives are and how its files read."""

import io
import logging
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from deeprec.download import Checksum, DownloadError, download
from deeprec.files import InputError
from deeprec.ratings import ratings_table

log = logging.getLogger(__name__)

HOME = "https://files.grouplens.org/datasets/movielens/{name}.zip"
MD5 = {"ml-100k": "0e33842e24a9c977be4e0107933c0723"}

# The same 100,000 ratings lie in a wheel, which pip brings where the home page cannot be reached.
WHEEL = "recbole==1.2.1"
WHEEL_CHECKSUM = Checksum("sha256", "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407")
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Layout:
    """How an archive's ratings are written: `user, item, rating, unix seconds` a line."""

    ratings: str  # member
    items: str  # member
    delimiter: str
    header_lines: int


LAYOUTS = [
    Layout("ml-100k/u.data", "ml-100k/u.item", "\t", 0),
    Layout("recbole/dataset_example/ml-100k/ml-100k.inter", "recbole/dataset_example/ml-100k/ml-100k.item", "\t", 1),
]


def fetch(archive: str, path: Path, home: str = HOME) -> str:
    """Bring an archive to `path` and return where it came from; raise InputError where no place has it."""
    if archive not in MD5:
        raise InputError(f"MovieLens archive {archive!r}; choose from {', '.join(MD5)}")
    url = home.format(name=archive)
    try:
        download(url, path, Checksum("md5", MD5[archive]))
        return url
    except DownloadError as error:
        if archive != "ml-100k":
            raise
        log.warning("%s\nfalling back to the copy in %s, through pip", error, WHEEL)
    _fetch_wheel(path)
    return f"pip download {WHEEL}"


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


def read(path: Path) -> tuple[pa.Table, pa.Table]:
    """Read an archive's ratings and items; raise InputError naming the member and line that does not fit."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            layout = next((layout for layout in LAYOUTS if layout.ratings in members), None)
            if layout is None:
                raise InputError(f"{path}: no MovieLens ratings inside; expected {' or '.join(x.ratings for x in LAYOUTS)}")
            return (
                _ratings(archive.read(layout.ratings), layout, f"{path}:{layout.ratings}"),
                _items(archive.read(layout.items), layout),
            )
    except (zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"{path}: not a whole zip archive ({error})") from error


def _ratings(data: bytes, layout: Layout, origin: str) -> pa.Table:
    columns = {"user": pa.int32(), "item": pa.int32(), "rating": pa.float32(), "seconds": pa.float64()}
    read = pa.csv.ReadOptions(column_names=list(columns), skip_rows=layout.header_lines, use_threads=False)
    try:
        table = pa.csv.read_csv(
            io.BytesIO(data),
            read_options=read,
            parse_options=pa.csv.ParseOptions(delimiter=layout.delimiter),
            convert_options=pa.csv.ConvertOptions(column_types=columns, null_values=[], quoted_strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{origin}: {error}; expected user, item, rating, unix seconds a line") from error
    user, item, rating, seconds = (column.to_numpy() for column in table.columns)
    seconds = seconds.astype(np.int64)
    # Days are UTC's; the original turns dates into local time and back.
    days = (seconds // SECONDS_A_DAY).astype(np.int32)
    return ratings_table(user, item, rating, pa.array(days).cast(pa.date32()), seconds, origin=origin)


def _items(data: bytes, layout: Layout) -> pa.Table:
    """Return `item_id`, `title`, `year` (null where unknown)."""
    if layout.header_lines:
        rows = [line.split("\t") for line in data.decode("utf-8").splitlines()[1:]]
        ids, titles, years = zip(*((row[0], row[1], row[2]) for row in rows), strict=True)
    else:
        rows = [line.split("|") for line in data.decode("latin-1").splitlines()]
        ids, titles = zip(*((row[0], row[1]) for row in rows), strict=True)
        years = [title[-5:-1] if title.endswith(")") else "" for title in titles]
        titles = [title[:-7] if title.endswith(")") else title for title in titles]
    year = pa.array([int(year) if year.isdigit() else None for year in years], pa.int16())
    items = pa.table({"item_id": pa.array(map(int, ids), pa.int32()), "title": list(titles), "year": year})
    return items.take(pc.sort_indices(items, [("item_id", "ascending")]))
