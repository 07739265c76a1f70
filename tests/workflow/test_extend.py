"""docs/extend.md does what it says: its changes apply to the project as it is, and work."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deeprec.config.checks import load_plan
from deeprec.runtime.files import ROOT
from tests.conftest import write_split

PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"## A (\w+)[^\n]*\n[^`]*?.*?```diff\n(.*?)```", PAGE, re.S))
CHECK = {
    "data": "plan = load({'dataset': 'mine'}); assert plan.dataset.columns.rating == 'stars'",
    "setting": "plan = load({}); assert plan.run('depth_4').settings.max_norm == 0",
    "panel": "from deeprec.evaluation.ablation_figure import PANELS; assert PANELS['lr'].y_label == 'Learning rate'",
    "source": "plan = load({'dataset': 'x', 'datasets': {'x': {**SPLIT, 'source': 'lines', 'path': 'r.txt'}}});"
    "from deeprec.data.sources import reader_of; assert reader_of(plan.dataset.definition).read",
    "rival": "plan = load({}); train(plan.run('item_mean'), sys.argv[1]); assert 'item_mean_3m' in plan.runs",
}
START = """
import sys, yaml
from pathlib import Path
import torch
from deeprec.config.checks import load_plan
from deeprec.training.runs import train_run
SPLIT = {"title": "X", "main_split": "s", "split_seed": 0, "splits": {"s": {"kind": "per_user", "test_fraction": 0.3}}}
def load(changes):
    return load_plan({**yaml.safe_load(Path("config.yaml").read_text()), **changes})
def train(run, split):
    options = {"state_path": None, "save_seconds": 30, "on_epoch": lambda progress: None}
    _, metrics = train_run(run.with_seed(0), Path(split), Path("out"), device=torch.device("cpu"), **options)
    assert metrics["status"] == "finished" and metrics["test_rmse"] < 2
"""


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    for name in ("deeprec", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "config.yaml", folder)
    return folder


def test_every_kind_of_change_is_shown():
    assert set(SECTIONS) == set(CHECK)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_s_change_works(project, tmp_path, section):
    subprocess.run(["git", "apply", "-"], input=SECTIONS[section], text=True, cwd=project, check=True)
    split = write_split(tmp_path / "split")
    code = f"{START}\n{CHECK[section]}"
    done = subprocess.run(
        [sys.executable, "-c", code, split],
        cwd=project,
        env={"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("section", "most"), [("data", 0), ("setting", 2), ("panel", 2), ("source", 2), ("rival", 3)])
def test_a_change_takes_few_edits(section, most):
    """An edit is a file that changes, or a second place in it; own files, but for a rival's settings, do not count."""
    parts = re.split(r"^diff --git .*\n", SECTIONS[section], flags=re.M)[1:]
    hunks = [len(re.findall("^@@", part, re.M)) for part in parts if "--- /dev/null" not in part]
    own_settings = "settings/" in "".join(part.split("\n")[1] for part in parts if "--- /dev/null" in part)
    registry_import = section == "rival"  # an import and its use are one edit
    assert sum(hunks) - registry_import + own_settings <= most


def test_the_experiment_needs_the_config_alone(config):
    [block] = re.findall(r"\n\n((?:    .*\n)+)", PAGE.split("## An experiment")[1].split("## ")[0])
    added = yaml.safe_load("\n".join(line[4:] for line in block.split("\n")))
    changed = {**config, **{key: {**config[key], **entries} for key, entries in added.items()}}
    assert load_plan(changed).runs["depth_20"].settings.hidden == [128] * 10
