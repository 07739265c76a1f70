"""The search: what it samples, how it goes on after a kill, and that it scores a run as a training does."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from deeprec.config.plan_files import SearchPlan
from deeprec.config.run_settings import Run, to_yaml
from deeprec.evaluation.tables import write_csv
from deeprec.runtime.files import ROOT, InputError
from deeprec.training.runs import train_run
from deeprec.training.search import RANDOM_TRIALS, search_settings
from tests.conftest import run_of, write_split

SPACE = {
    "lr": {"log_uniform": [0.001, 0.1]},
    "dropout": {"uniform": [0.5, 0.9]},
    "hidden": {"choices": [[3], [4, 3]]},
    "constrained": {"choices": [True, False]},
}
CPU = torch.device("cpu")
N_TRIALS = RANDOM_TRIALS + 10


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Path:
    """Toy ratings without a test part."""
    folder = write_split(tmp_path_factory.mktemp("search") / "split")
    (folder / "test.parquet").unlink()
    return folder


@pytest.fixture
def journal(tmp_path) -> Path:
    return tmp_path / "r.journal"


def mine(epochs: int = 8) -> Run:
    return run_of(name="mine", seed=None, hidden=[4], epochs=epochs, lr=0.01)


def search(split: Path, journal: Path, n_trials: int = N_TRIALS, seed: int = 0) -> pd.DataFrame:
    return search_settings(mine(), SPACE, n_trials, seed, split, CPU, journal)


def but_seconds(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="seconds")


@pytest.fixture(scope="module")
def table(split, tmp_path_factory) -> pd.DataFrame:
    """All trials, undisturbed."""
    return search(split, tmp_path_factory.mktemp("undisturbed") / "r.journal")


def test_every_trial_is_sampled_from_the_space(table):
    assert list(table["trial"]) == list(range(N_TRIALS))
    assert table["lr"].between(0.001, 0.1).all() and table["dropout"].between(0.5, 0.9).all()
    assert set(table["hidden"]) == {"[3]", "[4, 3]"} and set(table["constrained"]) == {"true", "false"}
    assert table["lr"].nunique() == N_TRIALS
    for value in [*table["lr"], *table["dropout"]]:
        assert value == float(f"{value:.3g}")  # what a table of few digits shows was tried


def test_later_trials_learn_from_earlier_ones(split, journal):
    """One setting has a best value within nine decades: the estimator samples near it more often than chance would."""
    space = {"l2_item": {"log_uniform": [0.001, 1e6]}}
    found = search_settings(run_of("bias", seed=None), space, 40, 0, split, CPU, journal)
    decades = np.abs(np.log10(found["l2_item"] / found["l2_item"][found["valid_rmse"].idxmin()]))
    by_chance = 2 * 0.6 / 9
    assert (decades[2 * RANDOM_TRIALS :] < 0.6).mean() > 2.5 * by_chance


def test_a_trial_worse_than_half_of_the_others_is_cut_short(table):
    pruned, complete = (table[table["state"] == state] for state in ("pruned", "complete"))
    assert len(pruned) and (pruned["trial"] >= RANDOM_TRIALS).all()
    assert pruned["epochs"].between(4, 7).all() and (complete["epochs"] == 8).all()
    assert pruned["valid_rmse"].min() > complete["valid_rmse"].median()


def test_a_seed_means_the_same_trials_however_many(split, journal, tmp_path, table):
    pd.testing.assert_frame_equal(but_seconds(search(split, journal, 12)), but_seconds(table)[:12])
    # The others follow where more are asked for, and none is lost where fewer are.
    pd.testing.assert_frame_equal(but_seconds(search(split, journal)), but_seconds(table))
    pd.testing.assert_frame_equal(but_seconds(search(split, journal, 5)), but_seconds(table)[:5])
    other = search(split, tmp_path / "other.journal", 2, seed=2**40)
    assert not set(other["lr"]) & set(table["lr"])


def test_trials_are_scored_as_runs(table, tmp_path):
    folder = write_split(tmp_path / "split")
    run = {"device": CPU, "state_path": None, "save_seconds": 30, "on_epoch": lambda progress: None}
    first = table.loc[0, ["lr", "dropout"]].to_dict() | {"hidden": [3] if table["hidden"][0] == "[3]" else [4, 3]}
    tried = mine().with_settings(**first, constrained=table["constrained"][0] == "true").with_seed(0)
    _, metrics = train_run(tried, folder, tmp_path / "run", **run)
    assert table["valid_rmse"][0] == metrics["valid_rmse"] and table["best_epoch"][0] == metrics["best_epoch"]


def test_a_trial_that_diverges_counts_without_a_score(split, journal):
    table = search_settings(mine(), {"lr": {"choices": [1e6, 0.01]}}, 6, 0, split, CPU, journal)
    lost = table["lr"] == "1000000.0"
    assert 0 < lost.sum() < 6
    assert (table["state"] == np.where(lost, "diverged", "complete")).all()
    assert (table["valid_rmse"].isna() == lost).all()


def test_a_search_goes_on_from_wherever_it_was_killed(split, journal, tmp_path, table):
    """Its journal is only ever appended to: whatever a kill leaves of it is a beginning, to any byte."""
    search(split, journal)
    whole = journal.read_bytes()
    rng = random.Random(0)
    for cut in [0, 1, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(3))]:
        (tmp_path / "cut.journal").write_bytes(whole[:cut])
        again = search(split, tmp_path / "cut.journal")
        pd.testing.assert_frame_equal(but_seconds(again), but_seconds(table), obj=f"cut at byte {cut}")


def test_a_killed_script_ends_with_the_trials_of_an_undisturbed_one(split, tmp_path, table):
    plan = SearchPlan(title="Toy", run=mine().as_dict(), space=SPACE, trials=N_TRIALS, seed=0)
    (tmp_path / "plan.yaml").write_text(to_yaml(plan.model_dump(mode="json")))
    out, journal = tmp_path / "mine.csv", tmp_path / "mine.journal"
    command = [sys.executable, "scripts/search_settings.py", "--plan", tmp_path / "plan.yaml", "--split", split]
    options = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    process = subprocess.Popen([*command, "--out", out], **options, stderr=subprocess.PIPE)
    enough = random.Random(1).randrange(2_000, 30_000)  # bytes, of some 60,000
    while process.poll() is None and not (journal.exists() and journal.stat().st_size > enough):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not out.exists()
    subprocess.run([*command, "--out", out], **options, check=True, capture_output=True)
    write_csv(table, tmp_path / "undisturbed.csv")
    assert but_seconds(pd.read_csv(out)).equals(but_seconds(pd.read_csv(tmp_path / "undisturbed.csv")))
    assert not journal.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "found an unfinished search with seed 0; expected 1: set it back to go on, or delete the file"),
        (
            {"spaces": {"lr": {"uniform": [0, 1]}}},
            "with space of lr .'log_uniform': .0.001, 0.1..; expected .'uniform'",
        ),
        ({"spaces": SPACE | {"momentum": {"uniform": [0, 0.9]}}}, "with space of momentum None; expected .'uniform'"),
        ({"run": mine(epochs=9)}, "with epochs 8; expected 9"),
    ],
)
def test_a_journal_of_another_search_is_refused(split, journal, changes, message):
    asked = {"run": mine(), "spaces": SPACE, "n_trials": 1, "seed": 0, "split": split, "device": CPU}
    search_settings(**asked, journal=journal)
    before = journal.read_bytes()
    with pytest.raises(InputError, match=message) as error:
        search_settings(**(asked | changes), journal=journal)
    assert str(error.value).startswith(str(journal)) and journal.read_bytes() == before


def test_other_ratings_are_another_search(split, journal, tmp_path):
    search(split, journal, 1)
    other = write_split(tmp_path / "other")
    (other / "train.parquet").write_bytes((split / "valid.parquet").read_bytes())
    with pytest.raises(InputError, match="found an unfinished search with digest of the ratings '"):
        search(other, journal, 1)


def test_settings_that_do_not_go_together_are_named(split, journal, monkeypatch):
    with pytest.raises(InputError, match=r"search of run 'mine': \{'lr': -1\}: lr: found -1"):
        search_settings(mine(), {"lr": {"choices": [-1]}}, 1, 0, split, CPU, journal)
