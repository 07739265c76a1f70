"""The authors' files at one commit, from their repository or a local clone, each checked by its hash."""

import hashlib
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from deeprec.runtime.files import InputError, replacing
from deeprec.settings.original import OriginalSettings

A_CLONE = "a clone of NVIDIA/DeepRecommender"
TIMEOUT = 300  # seconds for git to fetch a repository of a few megabytes


def read_hashes(path: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that is used, by its path in the repository; `sha256sum` writes the format."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name.startswith("/") or ".." in name.split("/"):
            raise InputError(f"{path}: line {number}: found {line!r}; expected a SHA-256, two spaces and a path inside")
        found[name] = digest
    return found


def get_original(settings: OriginalSettings, hashes: dict[str, str], out: Path) -> None:
    """Write the authors' files below `out`, as they are at the commit.

    Raises InputError where the repository cannot be reached, lacks the commit or a file, or where a file is another;
    then nothing is written.
    """
    with TemporaryDirectory() as folder:
        clone = _local(Path(settings.path)) if settings.path else _fetched(settings.url, settings.commit, Path(folder))
        contents = {name: _content(clone, settings.commit, name) for name in hashes}
    for name, content in contents.items():
        if (found := hashlib.sha256(content).hexdigest()) != hashes[name]:
            raise InputError(f"{name} of commit {settings.commit}: found SHA-256 {found}; expected {hashes[name]}")
    for name, content in contents.items():
        with replacing(out / name) as beside:
            beside.write_bytes(content)


def _local(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"original.path: found no folder {path}; expected {A_CLONE}")
    if _git("-C", path, "rev-parse", "--git-dir").returncode:
        raise InputError(f"original.path: found no git repository in {path}; expected {A_CLONE}")
    return path


def _fetched(url: str, commit: str, folder: Path) -> Path:
    for command in (
        ["init", "--quiet", "--bare", folder],
        ["-C", folder, "fetch", "--quiet", "--depth=1", url, commit],
    ):
        done = _git(*command)
        if done.returncode:
            reason = " ".join(done.stderr.decode("utf-8", "replace").split())[-200:]
            raise InputError(
                f"{url}: git could not fetch commit {commit} ({reason}); expected the repository, or a clone of it on "
                "this machine as original.path"
            )
    return folder


def _content(clone: Path, commit: str, name: str) -> bytes:
    if _git("-C", clone, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise InputError(f"{clone}: found no commit {commit}; expected one of NVIDIA/DeepRecommender (git fetch)")
    done = _git("-C", clone, "cat-file", "blob", f"{commit}:{name}")
    if done.returncode:
        raise InputError(f"{clone}: found no {name} in commit {commit}; expected the authors' file")
    return done.stdout


def _git(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError as error:
        raise InputError("git: no such program; expected it, to get the authors' files") from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"git {arguments[0]}: no end after {TIMEOUT} seconds; expected the repository") from error
