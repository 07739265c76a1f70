"""What a script imports, and that environments and lock agree with pyproject.toml."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from deeprec.dependencies import modules_of
from tests.conftest import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("*.py"))
ENVS = sorted((ROOT / "envs").glob("*.yaml"))


def pins(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, _, version = line.partition("==")
        found[re.sub(r"\[.*\]", "", name).lower().replace("_", "-")] = version
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_modules_are_those_that_python_loads(script):
    code = f"import runpy, sys; runpy.run_path('scripts/{script}'); print(*(m for m in sys.modules if m.startswith('deeprec.')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {f"deeprec/{name.removeprefix('deeprec.')}.py" for name in done.stdout.split()}
    found = {str(Path(path).resolve().relative_to(ROOT)) for path in modules_of(f"scripts/{script}")}
    assert loaded <= found
    assert f"scripts/{script}" in found


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_environments_pin_what_pyproject_pins(env):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    theirs = pins(project["dependencies"])
    pip = next(entry["pip"] for entry in yaml.safe_load(env.read_text())["dependencies"] if isinstance(entry, dict))
    assert pins(pip).items() <= theirs.items()


def test_constraints_hold_every_pin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = pins([x for x in (ROOT / "constraints.txt").read_text().splitlines() if "==" in x])
    everything = project["dependencies"] + project["optional-dependencies"]["test"]
    assert pins(everything).items() <= locked.items()


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_environments_hold_what_their_scripts_import(env):
    """Every third-party module that a rule's code imports is pinned in the environment of the rule."""
    named = {"yaml": "pyyaml"}
    text = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = re.split(r"\n(?=\s*rule\b)", text)
    scripts = {s for rule in rules if f"envs/{env.name}" in rule for s in re.findall(r"scripts/(\w+\.py)", rule)}
    assert scripts
    pip = next(entry["pip"] for entry in yaml.safe_load(env.read_text())["dependencies"] if isinstance(entry, dict))
    have = set(pins(pip))
    for path in {path for script in scripts for path in modules_of(f"scripts/{script}")}:
        for name in imported(Path(path)):
            if name not in sys.stdlib_module_names and name != "deeprec":
                assert named.get(name, name).lower() in have, f"{path} imports {name}"


def imported(path: Path) -> set[str]:
    """The top-level names of everything that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}
