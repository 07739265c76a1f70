"""Files that appear whole or not at all."""

import errno
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]  # of the project
_HOST = socket.gethostname().partition(".")[0]
SHOWN = 200  # characters of another library's words
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what the system says when nothing more fits


class InputError(Exception):
    """Bad input, told in one line: the file or key, what was found and what was expected."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and rename it to `path` when the block ends well.

    The folder is made; on any exception, the half-written file is removed and `path` stays as it was. A full
    disk raises InputError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: matplotlib and others choose the format by it.
    beside = path.with_name(f".{path.stem}.{_HOST}.{os.getpid()}.partial{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL:
            raise disk_full(path, error) from error
        raise


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove the half-written files that killed processes of this host left in a folder, at any depth; return them.

    Those of a living process, and of another host's, are left as they are.
    """
    partial = re.compile(rf"\..*\.{re.escape(_HOST)}\.(\d+)\.partial(\..*)?")
    found = [(path, partial.fullmatch(path.name)) for path in folder.rglob(".*.partial*")]
    dead = [path for path, match in found if match and not _is_alive(int(match[1]))]
    for path in dead:
        path.unlink(missing_ok=True)
    return dead


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


def disk_full(path: Path, error: OSError) -> InputError:
    """Return the error that says where no space was left, and how much there is."""
    free = shutil.disk_usage(path.parent).free
    return InputError(f"{path}: no space left to write it ({error.strerror}); {free / 1e9:.1f} GB are free")


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def digest(*paths: str | Path) -> str:
    """Return 12 hex digits that change whenever a file's content does; an empty text where one is absent."""
    if not all(Path(path).exists() for path in paths):
        return ""
    told = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as file:
            told.update(hashlib.file_digest(file, "sha256").digest())
    return told.hexdigest()[:12]


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON; NaN and infinity are refused, since JSON has neither."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextmanager
def reading(path: str | Path, expected: str) -> Iterator[None]:
    """Tell of whatever reading a file fails with in one line: the file, what is wrong, what was expected.

    For files that the pipeline itself has made: each reader fails in ways of its own where one is damaged.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or _words(error)}; expected {expected}") from error
    except KeyError as error:
        raise InputError(f"{path}: found no {error.args[0]!r}; expected {expected}") from error
    except Exception as error:
        raise InputError(f"{path}: damaged ({_words(error)}); expected {expected}") from error


def _words(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


def read_json(path: str | Path, *keys: str) -> Any:
    """Read a JSON file; raise InputError where it is not JSON, or no mapping that has `keys`."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected a JSON file") from error
    if keys and not (isinstance(value, dict) and value.keys() >= set(keys)):
        found = ", ".join(value) or "nothing" if isinstance(value, dict) else type(value).__name__
        raise InputError(f"{path}: found {found}; expected {', '.join(keys)}")
    return value
