"""Which of the package's files a script imports, so that Snakemake reruns it when one of them changes."""

import ast
import os
from functools import cache
from pathlib import Path

from deeprec.runtime.files import ROOT

PACKAGE = "deeprec"


def modules_of(script: str, *, plus: str = "", but: str = "") -> list[str]:
    """Return the script first, then all files of `deeprec` that it imports, directly or not.

    Paths are relative to the working directory. `plus` is a module that the script imports by its name alone, such as
    "deeprec.models.rrn"; `but` is a package to leave out, whose edits change nothing of what the script makes.
    """
    return [from_here(path) for path in _modules_of(script, plus, but)]


@cache  # the paths themselves, since what they are relative to may change
def _modules_of(script: str, plus: str, but: str) -> list[Path]:
    found: set[Path] = set()
    todo = [ROOT / script, *_files_of(plus)]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += [file for module in _imported(path) for file in _files_of(module)]
    left_out = set(ROOT.joinpath(*but.split(".")).glob("*.py")) if but else set()
    return [ROOT / script, *sorted(found - {ROOT / script, *left_out})]


def from_here(path: str | Path) -> str:
    """Return a file of the project as a path relative to the working directory.

    The two differ where Snakemake's `--directory` puts the results elsewhere.
    """
    return os.path.relpath(ROOT / path)


@cache  # dozens of rules import the same files
def _imported(path: Path) -> set[str]:
    """Return the names in a file's imports that may be modules of the package, dotted."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _files_of(name: str) -> list[Path]:
    """Return the files that importing a dotted name runs: each package's `__init__.py`, then the module's own.

    A name that is no module, such as that of a function, has those of the packages before it alone.
    """
    *packages, last = name.split(".")
    folders = [ROOT.joinpath(*packages[: depth + 1]) for depth in range(len(packages))]
    here = ROOT.joinpath(*packages)
    files = [*(folder / "__init__.py" for folder in folders), here / last / "__init__.py", here / f"{last}.py"]
    return [file for file in files if file.exists()]
