"""Fetching a file over HTTP: retried, resumed, checked, with a progress bar."""

import hashlib
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from tqdm import tqdm

from deeprec.runtime.files import FULL, InputError, disk_full
from deeprec.settings.sources import FileSource

log = logging.getLogger(__name__)
CHUNK = 1 << 20  # bytes
TIMEOUT = (10, 60)  # seconds to connect, seconds between two chunks
BUSY = (408, 429)  # a server's "later"


class DownloadError(InputError):
    """A file could not be fetched whole; what was fetched of it waits in the `.part` file."""


@dataclass(frozen=True)
class Checksum:
    """What a file must be: a hash as hex digits, and its size in bytes where known."""

    kind: str  # "md5" or "sha256"
    digest: str
    size: int | None = None

    @classmethod
    def of(cls, source: FileSource) -> "Checksum | None":
        """Return what a source's file must be, None where its definition does not say."""
        return cls("md5", source.md5, source.bytes) if source.md5 else None

    def check(self, path: Path) -> None:
        """Raise InputError naming the file, the value found and the one expected."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            raise InputError(f"{path}: {size:,} bytes; expected {self.size:,}")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, self.kind).hexdigest()
        if found != self.digest:
            raise InputError(f"{path}: {self.kind} {found}; expected {self.digest}")


def download(
    url: str,
    path: Path,
    checksum: Checksum | None,
    *,
    tries: int = 4,
    pause: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch `url` to `path`, which appears only when it is whole and its checksum right.

    A file that is there already is kept, if its checksum is right. A connection that fails or drops is tried
    again, after 1, 2, 4 … times `pause` seconds, from where it stopped (HTTP Range; from the start where the
    server does not grant it), until `tries` in a row bring nothing new. The `.part` file survives a kill, for
    the next call to go on. Raises DownloadError when all tries are used up, the server refuses or the disk is
    full, and InputError for a wrong checksum, after which the `.part` file is gone.
    """
    if path.exists() and _is_right(path, checksum):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    if checksum is None:  # nothing would tell if the file has changed since
        part.unlink(missing_ok=True)
    failures, best = 0, _size(part)
    while reason := _try(url, part, checksum.size if checksum else None):
        failures, best = (0, _size(part)) if _size(part) > best else (failures + 1, best)
        if failures >= tries:
            raise DownloadError(f"{url}: gave up after {tries} tries ({reason})")
        wait = pause * 2 ** max(failures - 1, 0)
        log.warning("%s: %s; trying again in %.0f s", url, reason, wait)
        sleep(wait)
    if checksum:
        try:
            checksum.check(part)
        except InputError as error:
            part.unlink()
            raise InputError(f"{url}: {error}") from error
    part.replace(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _try(url: str, part: Path, size: int | None) -> str | None:
    """Fetch what is missing; return why that failed if it may go better next time, None when all is there."""
    try:
        _fetch(url, part, size)
    except requests.HTTPError as error:
        if error.response.status_code < 500 and error.response.status_code not in BUSY:
            raise DownloadError(f"{url}: {error}") from error
        return str(error)
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        return str(error)
    except requests.RequestException as error:
        raise DownloadError(f"{url}: {error}") from error
    except OSError as error:
        if error.errno in FULL:
            raise DownloadError(str(disk_full(part, error))) from error
        raise
    return None


def _is_right(path: Path, checksum: Checksum | None) -> bool:
    if checksum:
        try:
            checksum.check(path)
        except InputError as error:
            log.warning("%s; fetching it again", error)
            return False
    return True


def _fetch(url: str, part: Path, size: int | None) -> None:
    have = _size(part)
    if size is not None and have == size:
        return
    with requests.get(
        url, stream=True, timeout=TIMEOUT, headers={"Range": f"bytes={have}-", "Accept-Encoding": "identity"}
    ) as response:
        if response.status_code == 416:  # nothing after what we have, or a file that has changed
            part.unlink(missing_ok=True)
            raise requests.ConnectionError(f"the server has no byte {have:,}")
        response.raise_for_status()
        if response.status_code != 206:
            have = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            found = response.headers.get("Content-Range")
            raise requests.ConnectionError(f"the server sent {found}; expected bytes {have}-")
        length = response.headers.get("Content-Length")
        expected = have + int(length) if length else size
        _receive(response, part, have, expected)
    if expected is not None and _size(part) < expected:
        raise requests.ConnectionError(f"the connection ended after {_size(part):,} of {expected:,} bytes")


def _receive(response: requests.Response, part: Path, have: int, expected: int | None) -> None:
    bar = tqdm(
        desc=part.name.removesuffix(".part"), initial=have, total=expected, unit="B", unit_scale=True,
        disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with part.open("r+b" if have else "wb") as file, bar:
        file.seek(have)
        # Not iter_content(), which on a broken connection loses up to a chunk of what has come already.
        while chunk := response.raw.read1(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
        file.truncate()
