"""What a script imports, and that environments and lock agree with pyproject.toml."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from deeprec.config.dependencies import modules_of
from tests.conftest import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("*.py"))
ENVS = sorted((ROOT / "envs").glob("*.yaml"))


def pins(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, _, version = line.partition("==")
        found[re.sub(r"\[.*\]", "", name).lower().replace("_", "-")] = version
    return found


LOADED = """
import json, runpy, sys
loaded = {}
for script in sys.argv[1:]:
    for name in [name for name in sys.modules if name.startswith("deeprec")]:
        del sys.modules[name]
    runpy.run_path(f"scripts/{script}")
    loaded[script] = [module.__file__ for name, module in sys.modules.items() if name.startswith("deeprec")]
print(json.dumps(loaded))
"""


def test_modules_are_those_that_python_loads():
    """A module that Python loads but the list lacks could be edited without a rerun."""
    command = [sys.executable, "-c", LOADED, *SCRIPTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for script, files in json.loads(done.stdout).items():
        loaded = {str(Path(file).relative_to(ROOT)) for file in files}
        found = {str(Path(path).resolve().relative_to(ROOT)) for path in modules_of(f"scripts/{script}")}
        assert loaded | {f"scripts/{script}"} <= found, script


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
def test_environments_hold_what_their_scripts_import(env, tmp_path):
    """Every third-party module that a rule's code imports is pinned in the environment of the rule."""
    named = {"yaml": "pyyaml", "pydantic_core": "pydantic"}
    text = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = re.split(r"\n(?=\s*rule\b)", text)
    scripts = {s for rule in rules if f"envs/{env.name}" in rule for s in re.findall(r"scripts/(\w+\.py)", rule)}
    paths = {path for script in scripts for path in modules_of(f"scripts/{script}")}
    if env.stem == "workflow":  # for Snakemake, whose script is the Snakefile
        lines = [line for line in (ROOT / "Snakefile").read_text().splitlines() if line.startswith(("import", "from"))]
        (tmp_path / "driver.py").write_text("\n".join(lines))
        paths = set(modules_of(str(tmp_path / "driver.py")))
    assert paths
    pip = next(entry["pip"] for entry in yaml.safe_load(env.read_text())["dependencies"] if isinstance(entry, dict))
    have = set(pins(pip))
    for path in paths:
        for name in imported(Path(path)):
            if name not in sys.stdlib_module_names and name != "deeprec":
                assert named.get(name, name).lower() in have, f"{path} imports {name}"


def imported(path: Path) -> set[str]:
    """The top-level names of everything that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def test_paths_are_relative_to_where_one_is_now(tmp_path, monkeypatch):
    for folder in (ROOT, tmp_path):
        monkeypatch.chdir(folder)
        assert all(Path(path).is_file() for path in modules_of("scripts/train_run.py"))


def test_a_package_that_changes_nothing_of_the_outcome_is_left_out_whole():
    whole, less = (modules_of("scripts/train_run.py", but=but) for but in ("", "deeprec.tracking"))
    left_out = set(whole) - set(less)
    assert left_out and left_out == {path for path in whole if "deeprec/tracking/" in path}
