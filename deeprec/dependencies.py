"""Which of the package's modules a script imports, so that Snakemake reruns it when one of them changes."""

import ast
import os
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


@cache
def modules_of(script: str, but: str = "") -> list[str]:
    """Return the script first, then all modules of `deeprec` that it imports, directly or not (paths from here).

    `but` names a module to leave out, one whose edits change nothing of what the script makes.
    """
    found: set[Path] = set()
    todo = [ROOT / script]
    while todo:
        path = todo.pop()
        if path not in found and path.exists():
            found.add(path)
            todo += [ROOT / name for name in _imported(path)]
    others = sorted(found - {ROOT / script, ROOT / but})
    return [from_here(path) for path in [ROOT / script, *others]]


def from_here(path: str | Path) -> str:
    """Return the way from the working directory to a file of the project: `--directory` puts results elsewhere."""
    return os.path.relpath(ROOT / path)


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("deeprec"):
            names |= {f"{node.module}.py", *(f"{node.module}.{alias.name}.py" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {f"{alias.name}.py" for alias in node.names if alias.name.startswith("deeprec")}
    return {name.removesuffix(".py").replace(".", "/") + ".py" for name in names}
