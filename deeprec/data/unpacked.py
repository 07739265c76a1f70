"""A file with one table, by what it is and not by what it is called: plain, compressed, or alone in a zip."""

import bz2
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from deeprec.data.archives import BUFFER, ZIP_FAULTS, Checked, GunzipStream, zip_fault
from deeprec.runtime.files import InputError

Stream: TypeAlias = "io.BufferedReader[Any]"
DEEPEST = 3  # a gzip file in a zip, say
HIDDEN = ("__MACOSX/", ".")  # what an archiver adds of its own


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[str, Stream]]:
    """Open the table that a file holds, as its bytes and with a name for messages.

    It may be compressed (gzip, bzip2, xz, zstd) or the only file of a zip. Raises InputError naming the file where it
    cannot be opened or is none of these, and, while it is read, where it is damaged.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder; expected a file with a table")
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        yield _opened(str(path), file)


@contextmanager
def zip_member(path: Path, member: str) -> Iterator[tuple[str, Stream]]:
    """Open a file in a zip, with a name for messages; raise InputError where it is damaged, also while it is read."""
    try:
        archive = zipfile.ZipFile(path)
        stream = archive.open(member)
    except ZIP_FAULTS as error:
        raise zip_fault(str(path), error) from error
    with archive, stream:
        name = f"{path}:{member}"
        yield name, io.BufferedReader(Checked(stream, name, "zip file"), BUFFER)


def _opened(name: str, file: Stream) -> tuple[str, Stream]:
    """Return what lies in a file, however deep."""
    stream = io.BufferedReader(Checked(file, name, "file"), BUFFER)
    for _ in range(DEEPEST):
        head = stream.peek(8)
        kind = next((kind for kind in OPENERS if head.startswith(kind)), None)
        if kind is None:
            return name, stream
        words, opener = OPENERS[kind]
        name, inner = opener(name, stream)
        stream = io.BufferedReader(Checked(inner, name, words), BUFFER)
    raise InputError(f"{name}: packed more than {DEEPEST} times; expected a table")


def _gzip(name: str, stream: Stream) -> tuple[str, Any]:
    return name, GunzipStream(stream, name)


def _xz(name: str, stream: Stream) -> tuple[str, Any]:
    return name, lzma.LZMAFile(stream)


def _zstd(name: str, stream: Stream) -> tuple[str, Any]:
    return name, pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")


def _zip(name: str, stream: Stream) -> tuple[str, Any]:
    # The table of contents lies at the end: where there is no way to seek, the zip comes whole into memory.
    try:
        archive = zipfile.ZipFile(stream if stream.seekable() else io.BytesIO(stream.read()))
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith(HIDDEN)]
        if len(members) != 1:
            some = ", ".join(m.filename for m in members[:5]) + (", …" if len(members) > 5 else "")
            found = f"{len(members)} files inside ({some})" if members else "no file inside"
            raise InputError(f"{name}: {found}; expected one, with the table")
        return f"{name}:{members[0].filename}", archive.open(members[0])
    except ZIP_FAULTS as error:
        raise zip_fault(name, error) from error


OPENERS: dict[bytes, tuple[str, Callable[[str, Stream], tuple[str, Any]]]] = {  # by what such a file begins with
    b"\x1f\x8b": ("gzip file", _gzip),
    b"BZh": ("bzip2 file", lambda name, stream: (name, bz2.BZ2File(stream))),
    b"\xfd7zXZ\x00": ("xz file", _xz),
    b"\x28\xb5\x2f\xfd": ("zstd file", _zstd),
    b"PK\x03\x04": ("zip file", _zip),
    b"PK\x05\x06": ("zip file", _zip),  # one with nothing inside
}
