"""The kinds of data the pipeline can start from, each with a way to fetch it and a way to read it."""

from pathlib import Path, PurePosixPath
from typing import Any

from deeprec import delimited, movielens, netflix
from deeprec.download import Checksum
from deeprec.files import InputError, read_json, write_json
from deeprec.ratings import Source

# Each has fetch(dataset, folder) -> (path, origin) and read(path, dataset) -> Source. Simulated ratings come
# in Netflix's layout, from a rule of their own.
SOURCES = {"netflix": netflix, "movielens": movielens, "csv": delimited, "simulated": netflix}


def download_ratings(dataset: dict[str, Any], manifest: Path) -> None:
    """Bring a data set's raw file beside `manifest`, which then names it and says where it came from.

    A local file or folder (`path`) is used where it lies. The config's checksum is that of the file behind
    `url`: a copy under the same name is verified, another form of the data set has another name.
    """
    if "path" not in dataset:
        path, origin = SOURCES[dataset["source"]].fetch(dataset, manifest.parent)
        write_json(manifest, {"path": path.name, "origin": origin})
        return
    local = Path(dataset["path"]).expanduser()
    if not local.exists():
        raise InputError(f"datasets: path {dataset['path']!r}: no such file or folder")
    checksum = Checksum.of(dataset)
    if checksum and local.is_file() and local.name == PurePosixPath(dataset.get("url", local.name)).name:
        checksum.check(local)
    write_json(manifest, {"path": str(local.resolve()), "origin": str(local)})


def parse_ratings(dataset: dict[str, Any], manifest: Path) -> Source:
    """Read a downloaded data set's ratings and items."""
    return SOURCES[dataset["source"]].read(manifest.parent / read_json(manifest)["path"], dataset)
