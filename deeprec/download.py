"""Fetching a file over HTTP: retried, resumed, checked, with a progress bar."""

import hashlib
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

from deeprec.files import InputError

log = logging.getLogger(__name__)
CHUNK = 1 << 20  # bytes
TIMEOUT = (10, 60)  # seconds to connect, seconds between two chunks


class DownloadError(InputError):
    """A file could not be fetched whole; what was fetched of it waits in the `.part` file."""


@dataclass(frozen=True)
class Checksum:
    """What a file must be: a hash as hex digits, and its size in bytes where known."""

    kind: str  # "md5" or "sha256"
    digest: str
    size: int | None = None

    @classmethod
    def of(cls, dataset: dict[str, Any]) -> "Checksum | None":
        """Return what a data set's file must be, None where the config does not say."""
        return cls("md5", dataset["md5"], dataset.get("bytes")) if "md5" in dataset else None

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

    A file that is there already is kept, if its checksum is right. A connection that fails or drops is tried again, after 1, 2, 4 … times `pause` seconds, from where it
    stopped (HTTP Range; from the start where the server does not grant it). The `.part` file survives a kill,
    for the next call to go on. Raises DownloadError when all tries are used up or the server refuses, and
    InputError for a wrong checksum, after which the `.part` file is gone.
    """
    if path.exists() and _is_right(path, checksum):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    for attempt in range(tries):
        try:
            _fetch(url, part, checksum.size if checksum else None)
            break
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            reason = error
        except requests.HTTPError as error:
            if error.response.status_code < 500:
                raise DownloadError(f"{url}: {error}") from error
            reason = error
        if attempt + 1 == tries:
            raise DownloadError(f"{url}: gave up after {tries} tries ({reason})") from reason
        log.warning("%s: %s; trying again in %.0f s", url, reason, pause * 2**attempt)
        sleep(pause * 2**attempt)
    if checksum:
        try:
            checksum.check(part)
        except InputError as error:
            part.unlink()
            raise InputError(f"{url}: {error}") from error
    part.rename(path)


def _is_right(path: Path, checksum: Checksum | None) -> bool:
    if checksum:
        try:
            checksum.check(path)
        except InputError as error:
            log.warning("%s; fetching it again", error)
            return False
    return True


def _fetch(url: str, part: Path, size: int | None) -> None:
    have = part.stat().st_size if part.exists() else 0
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
        expected = (
            have + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else size
        )
        _receive(response, part, have, expected)
    received = part.stat().st_size
    if expected is not None and received < expected:
        raise requests.ConnectionError(f"the connection ended after {received:,} of {expected:,} bytes")


def _receive(response: requests.Response, part: Path, have: int, expected: int | None) -> None:
    bar = tqdm(
        desc=part.name.removesuffix(".part"), initial=have, total=expected, unit="B", unit_scale=True,
        disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with part.open("r+b" if have else "wb") as file, bar:
        file.seek(have)
        for chunk in response.iter_content(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
        file.truncate()
