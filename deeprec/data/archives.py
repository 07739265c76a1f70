"""Folders, zips and (nested) tars, read as one stream of files: nothing is unpacked to the disk."""

import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import pyarrow as pa

from deeprec.runtime.files import InputError

BUFFER = 1 << 16  # bytes; tarfile copies what is left of it at every read
Item = TypeVar("Item")
File = tuple[str, IO[bytes]]  # a name for errors, archive and all, and the open file
# What `zipfile` and the decompressors raise where a file is damaged, wants a password or a method that is not known.
ZIP_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, ValueError, KeyError, OverflowError, struct.error),
)


class Checked(io.RawIOBase):
    """A stream whose damage is told in one line, whoever reads it."""

    def __init__(self, inner: Any, name: str, kind: str) -> None:
        self._inner, self._name, self._kind = inner, name, kind

    def readable(self) -> bool:
        """Say that this can be read from."""
        return True

    def seekable(self) -> bool:
        """Say whether this can be sought in, as the end of a zip must be."""
        return bool(self._inner.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        place: int = self._inner.seek(offset, whence)
        return place

    def tell(self) -> int:
        """Say the place."""
        place: int = self._inner.tell()
        return place

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all."""
        try:
            data: bytes = self._inner.read() if size < 0 else self._inner.read(size)  # Arrow's streams know no -1
        except (tarfile.TarError, pa.ArrowException, *ZIP_FAULTS) as error:
            raise InputError(f"{self._name}: damaged {self._kind} ({error})") from error
        return data

    def readall(self) -> bytes:
        """Read all."""
        return self.read()

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the inner stream does; 0 at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def zip_fault(name: str, error: BaseException) -> InputError:
    """Return the error that says why a zip could not be read."""
    words = " ".join(str(error).split()) or type(error).__name__
    if "encrypted" in words:
        return InputError(f"{name}: asks for a password; expected a zip file without one")
    if isinstance(error, NotImplementedError):
        return InputError(f"{name}: cannot be unpacked ({words}); expected a zip file that is stored or deflated")
    return InputError(f"{name}: truncated or damaged zip file ({words})")


class GunzipStream(io.RawIOBase):
    """A gzip file, decompressed as it is read.

    The standard library's `gzip` does the same at half the speed, and `tarfile`'s own does not check the
    checksum. Raises InputError where the file ends in the middle or is damaged.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self._inflate = zlib.decompressobj(wbits=31)
        self._rest = b""

    def readable(self) -> bool:
        """Say that this can be read from."""
        return True

    def readinto(self, buffer: Any) -> int:  # a Buffer, which Python has a name for from 3.12 on
        """Fill `buffer` as far as one step of decompression does; 0 at the end."""
        room = memoryview(buffer)
        while not self._inflate.eof or self._next_member():
            compressed = self._rest or self._file.read(BUFFER)
            if not compressed:
                raise InputError(f"{self._name}: the gzip file ends in the middle; expected its end mark")
            try:
                data = self._inflate.decompress(compressed, len(room))
            except zlib.error as error:
                raise InputError(f"{self._name}: damaged gzip file ({error})") from error
            self._rest = self._inflate.unconsumed_tail or self._inflate.unused_data
            if data:
                room[: len(data)] = data
                return len(data)
        return 0

    def _next_member(self) -> bool:
        """Begin the next of several gzip members, if there is one."""
        self._rest = self._rest or self._file.read(BUFFER)
        if not self._rest.startswith(b"\x1f\x8b"):  # the end, or padding
            return False
        self._inflate = zlib.decompressobj(wbits=31)
        return True


def files_in(path: Path) -> Iterator[File]:
    """Yield the files of a folder, a .zip, a .tar or a .tar.gz, and those of the tars inside.

    Each must be read before the next is asked for. Raises InputError for a truncated or damaged archive, and
    for a member with an absolute path, a `..` or a link.
    """
    if path.is_dir():
        yield from _in_folder(path)
        return
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head.startswith(b"PK"):
            yield from _in_zip(path)
        else:
            zipped = head.startswith(b"\x1f\x8b")
            stream = io.BufferedReader(GunzipStream(file, str(path)), BUFFER) if zipped else file
            yield from _in_tar(stream, str(path))
            while stream.read(BUFFER):  # the checksum comes last
                pass


def _in_folder(path: Path) -> Iterator[File]:
    for file in sorted(path.rglob("*")):
        if not file.is_file() or (file.suffix == ".tar" and file.with_suffix("").is_dir()):  # unpacked already
            continue
        with file.open("rb") as stream:
            yield from _nested(stream, str(file))


def _in_zip(path: Path) -> Iterator[File]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check_name(member.filename, str(path))
                if not member.is_dir():
                    name = f"{path}:{member.filename}"
                    with archive.open(member) as stream:
                        yield from _nested(cast(IO[bytes], Checked(stream, name, "zip file")), name)
    except ZIP_FAULTS as error:
        raise zip_fault(str(path), error) from error


def _in_tar(stream: IO[bytes], name: str) -> Iterator[File]:
    try:
        with tarfile.open(mode="r|", fileobj=stream, bufsize=BUFFER) as archive:
            for member in archive:
                _check_name(member.name, name)
                if not (member.isfile() or member.isdir()):
                    raise InputError(f"{name}:{member.name}: a link or a device; expected files and folders only")
                file = archive.extractfile(member)  # None for a folder
                if file is not None:
                    inside = f"{name}:{member.name}"
                    yield from _nested(cast(IO[bytes], Checked(file, inside, "tar file")), inside)
                archive.members = []  # type: ignore[attr-defined]  # tarfile keeps every header else
    except (tarfile.TarError, *ZIP_FAULTS) as error:
        raise InputError(f"{name}: truncated or damaged tar file, or none at all ({error})") from error


def _nested(stream: IO[bytes], name: str) -> Iterator[File]:
    if name.endswith(".tar"):
        yield from _in_tar(stream, name)
    else:
        yield name, stream


def _check_name(member: str, archive: str) -> None:
    if member.startswith(("/", "\\")) or re.match("[A-Za-z]:", member) or ".." in member.split("/"):
        raise InputError(f"{archive}: member {member!r} points out of the archive; expected a path inside it")


def arrow_buffer(parts: Sequence[bytes]) -> pa.Buffer:
    """Return bytes joined in memory of Arrow's own, for its threads to read.

    After a fault they may outlive the reading, and one that frees memory of Python's while the interpreter ends
    aborts the process.
    """
    buffer = pa.allocate_buffer(sum(map(len, parts)))
    with pa.FixedSizeBufferWriter(buffer) as writer:
        for part in parts:
            writer.write(part)
    return buffer


def ahead(source: Iterator[Item], depth: int = 2) -> Iterator[Item]:
    """Yield the items of `source`, which runs up to `depth` items ahead in a thread of its own."""
    end: Any = object()
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, source, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, source, end))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
