"""Two processes on one training: the curve of one process, its files, its end when one of them breaks."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from deeprec.config.run_settings import Run, write_run
from deeprec.runtime import parallel
from deeprec.runtime.files import InputError, read_json
from deeprec.training.runs import train_run
from tests.conftest import ROOT, run_of, write_split

SMALL = {"hidden": [8, 4], "epochs": 5, "lr": 0.02}  # of 40 users
RUNS = {
    "plain": {**SMALL, "batch_size": 16, "dropout": 0.0, "refeed": 0},
    "items": {**SMALL, "batch_size": 10, "rows": "items", "center": "biases", "activation": "tanh", "ema_epochs": 2.0},
    "refed": {**SMALL, "batch_size": 39, "dropout": 0.0, "refeed": 1},  # a batch of one leaves a rank without users
}
pytestmark = pytest.mark.xdist_group("parallel")


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def python(*arguments: str | Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


def train_alone(settings: Run, split: Path, out: Path, state: Path | None = None) -> dict:
    options = {"state_path": state, "save_seconds": 1e9, "on_epoch": lambda progress: None}
    return train_run(settings, split, out, device=torch.device("cpu"), **options)[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """All runs, by one process (`alone`) and by two (`together`), which go on from a state of one in `refed`."""
    folder = tmp_path_factory.mktemp("parallel")
    split = write_split(folder / "split")
    for run, changes in RUNS.items():
        settings = run_of(name=run, **changes)
        train_alone(settings, split, folder / "alone" / run)
        write_run(settings, folder / "together" / run / "settings.yaml")
    state = folder / "states" / f"refed-0-{settings.hash}.pt"
    train_alone(settings.with_settings(epochs=2), split, folder / "begun", state)
    paths = [folder / "together" / run / "settings.yaml" for run in RUNS]
    options = {"--split": split, "--states": state.parent, "--save-seconds": "0", "--processes": "2"}
    options |= {"--log": folder / "train.log", "--tracking-uri": f"sqlite:///{folder}/mlflow.db"}
    done = python("scripts/train_run.py", *paths, *(word for option in options.items() for word in option))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("run", RUNS)
def test_two_processes_have_the_curve_of_one(trained, run):
    one, two = (pd.read_parquet(trained / how / run / "history.parquet") for how in ("alone", "together"))
    assert len(two) == SMALL["epochs"] and one["train_rmse"].iloc[-1] < one["train_rmse"].iloc[0]
    for column in ("step", "train_rmse", "valid_rmse"):
        np.testing.assert_allclose(two[column], one[column], atol=1e-5)
    one, two = (pd.read_parquet(trained / how / run / "predictions.parquet") for how in ("alone", "together"))
    np.testing.assert_allclose(two["prediction"], one["prediction"], atol=1e-4)


def test_the_files_are_those_of_one_process(trained):
    one, two = ({p.name for p in (trained / how / "plain").iterdir()} for how in ("alone", "together"))
    assert two == one | {"settings.yaml"}
    assert read_json(trained / "together" / "plain" / "metrics.json")["processes"] == 2
    assert list((trained / "states").iterdir()) == []
    assert [line.split()[0] for line in (trained / "train.log").read_text().splitlines()] == list(RUNS)


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    write_split(folder / "split")
    write_run(run_of(**{**RUNS["refed"], "dropout": 0.5}), folder / "settings.yaml")
    start = time.monotonic()
    done = python(*TORCHRUN, "tests/runtime/ranks.py", folder)
    assert done.returncode != 0 and "this rank breaks" in done.stderr
    assert time.monotonic() - start < 60
    return folder


def test_a_broken_rank_ends_the_training_and_leaves_no_file(broken):
    assert list(broken.rglob("*.partial*")) == []
    assert not (broken / "broken").exists()


def test_two_processes_resume_bit_for_bit(broken):
    found = read_json(broken / "found.json")
    assert found["resumed"] == found["whole"]


def test_ranks_draw_their_own_masks_and_keep_the_same_weights(broken):
    masks, weights = np.split(np.array(read_json(broken / "found.json")["difference"]), [3])
    assert (masks != 0).all() and (weights == 0).all()


def test_other_models_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "n_processes", lambda: 2)
    settings = run_of("pmf", name="mf")
    with pytest.raises(InputError, match="run 'mf': found 2 processes for a model 'pmf'; expected one"):
        train_alone(settings, tmp_path, tmp_path)


def test_a_process_of_its_own_has_the_whole_batch():
    batch = torch.arange(5)
    assert parallel.share(batch) is batch and parallel.n_processes() == 1 and parallel.is_first()
