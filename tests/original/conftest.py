"""A program with the authors' interface, of our own, since none of theirs lies here; and a split in their format."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from deeprec.data.text_format import write_text_format
from tests.conftest import write_split

PROGRAM = Path(__file__).parent / "program"


@pytest.fixture
def source() -> Path:
    return PROGRAM


def make_clone(folder: Path) -> tuple[Path, str]:
    """Make a git repository with the program; return its folder and commit."""
    shutil.copytree(PROGRAM, folder / "clone", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", str(folder / "clone"), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "theirs"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return folder / "clone", head.stdout.strip()


def hashes_of(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of the program."""
    paths = sorted(folder.rglob("*.py"), key=lambda path: len(path.parts))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture
def clone(tmp_path) -> tuple[Path, str]:
    """A repository with the program, and its commit."""
    return make_clone(tmp_path)


@pytest.fixture
def data(tmp_path) -> tuple[Path, Path]:
    """A split, in our form and in the authors'."""
    split = write_split(tmp_path / "s")
    write_text_format(split, tmp_path / "text")
    return split, tmp_path / "text"
