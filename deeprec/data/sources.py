"""From a data set's definition to its raw file on this machine, and on to its tables."""

import logging
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from deeprec.data.download import Checksum, download
from deeprec.data.min_ratings import k_core
from deeprec.data.ratings import SourceTables, with_left_out
from deeprec.runtime.files import InputError, read_json, write_json
from deeprec.settings.sources import FileSource, Source

log = logging.getLogger(__name__)


class Reader(Protocol):
    """What a source's module offers."""

    def fetch(self, source: Source, folder: Path) -> tuple[Path, str]:
        """Bring the raw file into a folder; return where it lies and where it came from. Not asked of a FileSource."""

    def read(self, path: Path, source: Source) -> SourceTables:
        """Read a raw file; raise InputError naming what in it does not fit."""


def reader_of(source: Source) -> Reader:
    """Import and return the module that reads a kind of data."""
    reader: Reader = import_module(source.reader)
    return reader


def download_ratings(source: Source, manifest: Path) -> None:
    """Bring a data set's raw file beside `manifest`, which then names it and says where it came from.

    A local file or folder (`path`) is used where it lies. The definition's checksum is that of the file behind
    `url`: a copy under the same name is verified, another form of the data set has another name.
    """
    local = getattr(source, "path", None)
    if local is not None:
        write_json(manifest, {"path": str(_checked(source, Path(local).expanduser()).resolve()), "origin": local})
        return
    fetch = fetch_file if isinstance(source, FileSource) else reader_of(source).fetch
    path, origin = fetch(source, manifest.parent)  # type: ignore[arg-type]
    write_json(manifest, {"path": path.name, "origin": origin})


def _checked(source: Source, path: Path) -> Path:
    if not path.exists():
        raise InputError(f"datasets: path {str(path)!r}: no such file or folder")
    if not (path.is_file() or path.is_dir()):  # to open a pipe would wait for who writes to it
        raise InputError(f"datasets: path {str(path)!r}: a pipe or a device; expected a file or a folder")
    if isinstance(source, FileSource) and path.is_file():
        checksum = Checksum.of(source)
        if checksum and path.name == (name_of(source.url) if source.url else path.name):
            checksum.check(path)
    return path


def fetch_file(source: FileSource, folder: Path) -> tuple[Path, str]:
    """Download the file at a source's address; return where it lies and where it came from."""
    if source.url is None:
        raise InputError("datasets: found no url; expected a url or a path")
    path = folder / name_of(source.url)
    download(source.url, path, Checksum.of(source))
    return path, source.url


def name_of(url: str) -> str:
    """Return the name of the file behind an address, without what a server is asked after a `?`."""
    return PurePosixPath(unquote(urlsplit(url).path)).name or "download"


def parse_ratings(source: Source, manifest: Path) -> SourceTables:
    """Read a downloaded data set's ratings and items, and leave out what its definition says (`left_out`)."""
    path = manifest.parent / read_json(manifest, "path")["path"]
    tables = reader_of(source).read(path, source)
    ratings, counts = tables.ratings, dict(tables.left_out)
    if source.min_ratings:
        ratings, rare = k_core(ratings, source.min_ratings, origin=str(path))
        counts |= rare
    if counts:
        log.info("%s: left out: %s", path, ", ".join(f"{name} {n:,}" for name, n in counts.items()))
    return replace(tables, ratings=with_left_out(ratings, counts), left_out=counts)
