"""The kinds of data the pipeline can start from, each with a way to fetch it and a way to read it."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from deeprec import movielens
from deeprec.files import InputError, read_json, write_json

SOURCES = {"movielens": movielens}


def download_ratings(dataset: dict[str, Any], manifest: Path) -> None:
    """Bring a data set's raw file beside `manifest`, which then names it and says where it came from.

    A local file (`path`) is used where it lies.
    """
    if "path" in dataset:
        local = Path(dataset["path"]).expanduser()
        if not local.exists():
            raise InputError(f"datasets: path {dataset['path']!r}: no such file")
        write_json(manifest, {"path": str(local.resolve()), "origin": str(local)})
        return
    raw = manifest.parent / f"{dataset['archive']}.zip"
    origin = f"{raw} (already there)" if raw.exists() else SOURCES[dataset["source"]].fetch(dataset["archive"], raw)
    write_json(manifest, {"path": raw.name, "origin": origin})


def parse_ratings(dataset: dict[str, Any], manifest: Path) -> tuple[pa.Table, pa.Table]:
    """Return the ratings table and the items table of a downloaded data set."""
    return SOURCES[dataset["source"]].read(manifest.parent / read_json(manifest)["path"])
