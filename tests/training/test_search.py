"""The search: what it draws, and that it scores a run as a training does, on validation alone."""

import numpy as np
import pytest
import torch

from deeprec.config.run_settings import Run
from deeprec.training.runs import train_run
from deeprec.training.search import sample_trials, search_settings
from tests.conftest import run_of, write_split

SPACE = {
    "lr": {"log_uniform": [0.001, 0.1]},
    "dropout": {"uniform": [0.5, 0.9]},
    "hidden": {"choices": [[3], [4, 3]]},
}
CPU = torch.device("cpu")


@pytest.fixture
def settings() -> Run:
    return run_of(name="mine", seed=None, hidden=[4], epochs=2, lr=0.01)


def test_every_trial_is_sampled_from_the_space():
    trials = sample_trials(SPACE, 200, seed=0)
    assert len(trials) == 200
    for trial in trials:
        assert list(trial) == list(SPACE)
        assert 0.001 <= trial["lr"] <= 0.1 and 0.5 <= trial["dropout"] <= 0.9 and trial["hidden"] in ([3], [4, 3])
        assert trial["lr"] == float(f"{trial['lr']:.3g}")  # what a table of few digits shows was tried
    # Evenly in the logarithm: as many below the geometric mean of the ends as above.
    assert 80 < sum(trial["lr"] < 0.01 for trial in trials) < 120
    assert 80 < sum(trial["dropout"] < 0.7 for trial in trials) < 120


def test_a_seed_means_the_same_samples_however_many():
    assert sample_trials(SPACE, 5, seed=1) == sample_trials(SPACE, 9, seed=1)[:5]
    assert sample_trials(SPACE, 5, seed=1) != sample_trials(SPACE, 5, seed=2)


def test_trials_are_scored_as_runs_and_never_on_test(settings, tmp_path):
    split = write_split(tmp_path / "split")
    run = {"device": CPU, "state_path": tmp_path / "state.pt", "save_seconds": 30, "on_epoch": lambda progress: None}
    first = sample_trials(SPACE, 3, 3)[0]
    _, metrics = train_run(settings.with_settings(**first).with_seed(3), split, tmp_path / "run", **run)
    (split / "test.parquet").unlink()
    table = search_settings(settings, SPACE, 3, 3, split, CPU)
    assert list(table["trial"]) == [0, 1, 2] and table["lr"][0] == first["lr"]
    assert table["valid_rmse"][0] == metrics["valid_rmse"] and table["best_epoch"][0] == metrics["best_epoch"]
    again = search_settings(settings, SPACE, 3, 3, split, CPU)
    assert table.drop(columns="seconds").equals(again.drop(columns="seconds"))


def test_a_trial_that_diverges_is_a_row_without_a_score(settings, tmp_path):
    split = write_split(tmp_path / "split")
    table = search_settings(settings, {"lr": {"choices": [1e6]}}, 1, 0, split, CPU)
    assert list(table["status"]) == ["diverged"] and np.isnan(table["valid_rmse"][0])
