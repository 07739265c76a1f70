"""A run's folder, and what a SIGKILL does to it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient

from deeprec.config.run_settings import Run, parse_run, read_run, write_run
from deeprec.data.matrix import read_part, read_train
from deeprec.runtime.files import InputError, read_json, write_json
from deeprec.settings.models import MODELS
from deeprec.settings.splits import PerUserSplit
from deeprec.training.loop import divergence_limit
from deeprec.training.runs import choose_device, make_learner, train_run
from tests.conftest import ROOT, run_of, write_split

CONTRACT = {
    "settings.yaml",
    "checkpoint.pt",
    "history.parquet",
    "steps.parquet",
    "metrics.json",
    "valid_predictions.parquet",
    "predictions.parquet",
}
CLOCK = {"seconds", "peak_memory_bytes", "added_memory_bytes", "commit", "threads", "machine"}


@pytest.fixture
def split(tmp_path) -> Path:
    return write_split(tmp_path / "results" / "toy" / "splits" / "s")


def small_run(**changes) -> Run:
    small = {"hidden": [8, 4], "epochs": 8, "lr": 0.02, "batch_size": 16, "dropout": 0.3, "refeed": 1}
    return run_of(**{**small, **changes})


def train_here(settings: Run, split: Path, out: Path) -> dict:
    options = {"state_path": out / "state.pt", "save_seconds": 1e9, "on_epoch": lambda progress: None}
    _, metrics = train_run(settings, split, out, device=torch.device("cpu"), **options)
    return metrics


def test_folder_holds_what_the_contract_says(split, tmp_path):
    settings = small_run()
    metrics = train_here(settings, split, tmp_path / "run")
    history = pd.read_parquet(tmp_path / "run" / "history.parquet")
    assert {"epoch", "train_rmse", "valid_rmse", "lr", "seconds"} <= set(history) and len(history) == 8
    predictions, test = pd.read_parquet(tmp_path / "run" / "predictions.parquet"), read_part(split, "test")
    assert list(predictions) == ["user", "item", "rating", "prediction"]
    np.testing.assert_array_equal(predictions["user"], test.user)
    error = (predictions["prediction"].astype(float) - predictions["rating"]) ** 2
    assert metrics["test_rmse"] == pytest.approx(np.sqrt(error.mean()))
    assert metrics["n"] == len(test) and metrics["valid_rmse"] == history["valid_rmse"].min()
    assert metrics["best_epoch"] == history["valid_rmse"].idxmin() + 1
    assert read_json(tmp_path / "run" / "metrics.json") == metrics
    assert 0 <= metrics["added_memory_bytes"] < metrics["peak_memory_bytes"]
    assert metrics["peak_gpu_memory_bytes"] == 0 and metrics["threads"] == torch.get_num_threads()


@pytest.mark.parametrize(("kept", "n_points"), [(2000, 24), (24, 24), (12, 16), (8, 8), (1, 8)])
def test_the_curve_by_step_keeps_about_as_many_points_as_asked(split, tmp_path, monkeypatch, kept, n_points):
    """Of 24 steps, 3 an epoch (40 users in batches of 16); no point goes over an epoch's end."""
    monkeypatch.setattr("deeprec.training.runs.STEPS_KEPT", kept)
    train_here(small_run(), split, tmp_path / "run")
    steps = pd.read_parquet(tmp_path / "run" / "steps.parquet")["step"]
    assert len(steps) == n_points and steps.is_monotonic_increasing and steps.iloc[-1] == 24


def test_a_threshold_adds_the_ranking_and_changes_nothing_else(split, tmp_path):
    run = small_run()
    plain, ranked = train_here(run, split, tmp_path / "a"), train_here(replace(run, relevant=4), split, tmp_path / "b")
    added = {"ndcg_10", "recall_10", "relevant", "n_ranked_users"}
    assert set(ranked) - set(plain) == added and 0 < ranked["ndcg_10"] < 1 and 0 < ranked["recall_10"] < 1
    assert {k: ranked[k] for k in set(plain) - CLOCK} == {k: plain[k] for k in set(plain) - CLOCK}
    predictions = [(tmp_path / name / "predictions.parquet").read_bytes() for name in "ab"]
    assert predictions[0] == predictions[1]
    lost = train_here(replace(small_run(lr=1e4), relevant=4), split, tmp_path / "lost")
    assert lost["status"] == "diverged" and not added & set(lost)
    write_run(replace(run, relevant=3.5), tmp_path / "settings.yaml")
    assert read_run(tmp_path / "settings.yaml").relevant == 3.5


def test_checkpoint_gives_the_predictions_again(split, tmp_path):
    settings = small_run()
    train_here(settings, split, tmp_path / "run")
    checkpoint = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    learner = make_learner(settings.with_seed(77), read_train(split), torch.device("cpu"))
    learner.load(checkpoint["weights"])
    predictions = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    np.testing.assert_array_equal(learner.predict(read_part(split, "test")), predictions["prediction"])


def test_test_part_decides_nothing(split, tmp_path):
    """Other test ratings give the same curve, epoch and weights."""
    train_here(small_run(), split, tmp_path / "a")
    test = pd.read_parquet(split / "test.parquet")
    test.assign(rating=(6 - test["rating"]).astype("int8")).to_parquet(split / "test.parquet")
    train_here(small_run(), split, tmp_path / "b")
    a, b = (torch.load(tmp_path / run / "checkpoint.pt", weights_only=True) for run in "ab")
    assert a["epoch"] == b["epoch"] and all(torch.equal(w, b["weights"][name]) for name, w in a["weights"].items())


def test_diverged_run_is_written_as_diverged(split, tmp_path):
    metrics = train_here(small_run(lr=1e4), split, tmp_path / "run")
    assert metrics["status"] == "diverged" and metrics["test_rmse"] is None and metrics["valid_rmse"] is None
    predictions = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert len(predictions) == metrics["n"] and predictions["prediction"].isna().all()


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"blend"}))
def test_every_model_repeats_itself_bit_for_bit(split, tmp_path, model):
    settings = run_of(model, epochs=2)
    one, two = (train_here(settings, split, tmp_path / name) for name in "ab")
    assert {k: v for k, v in one.items() if k not in CLOCK} == {k: v for k, v in two.items() if k not in CLOCK}
    predictions = [(tmp_path / name / "predictions.parquet").read_bytes() for name in "ab"]
    assert predictions[0] == predictions[1]


def command(path: Path, split: Path) -> list[str]:
    return [
        sys.executable,
        "scripts/train_run.py",
        str(path),
        "--split",
        str(split),
        "--save-seconds",
        "0",
        "--states",
        str(path.parent / "states"),
        "--tracking-uri",
        f"sqlite:///{split.parents[2]}/mlflow.db",
    ]


@pytest.mark.workflow
def test_killed_training_ends_as_an_undisturbed_one(split, tmp_path):
    """SIGKILL at several moments of a real process; the last start goes on from the last checkpoint."""
    settings = small_run(epochs=400)
    whole, killed = (tmp_path / name / "settings.yaml" for name in ("whole", "killed"))
    for path in (whole, killed):
        write_run(settings, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command(whole, split), cwd=ROOT, env=environment, check=True, capture_output=True)
    state = killed.parent / "states" / f"r-0-{settings.hash}.pt"
    for epochs in (1, 60):
        process = subprocess.Popen(command(killed, split), cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        while not state.exists() or len(torch.load(state, weights_only=True)["progress"]["history"]) < epochs:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert {path.name for path in killed.parent.iterdir()} <= {"settings.yaml", "states"}
    done = len(torch.load(state, weights_only=True)["progress"]["history"])
    assert 60 <= done < 400
    subprocess.run(command(killed, split), cwd=ROOT, env=environment, check=True, capture_output=True)
    assert {path.name for path in killed.parent.iterdir()} == CONTRACT | {"states"}
    assert not state.exists()
    one, two = (read_json(path.parent / "metrics.json") for path in (whole, killed))
    assert {k: v for k, v in one.items() if k not in CLOCK} == {k: v for k, v in two.items() if k not in CLOCK}
    for name in ("predictions.parquet", "steps.parquet"):
        assert (whole.parent / name).read_bytes() == (killed.parent / name).read_bytes()
    client = MlflowClient(f"sqlite:///{split.parents[2]}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    assert len(runs) == 1 and runs[0].info.status == "FINISHED"
    assert len(client.get_metric_history(runs[0].info.run_id, "valid/rmse")) == 400


def test_cuda_where_there_is_none_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="'cuda', but no CUDA device"):
        choose_device("cuda")
    assert choose_device("auto") == torch.device("cpu")


def test_settings_that_lack_something_are_named(tmp_path):
    (tmp_path / "settings.yaml").write_text("dataset: toy\nrun: r\n")
    with pytest.raises(InputError, match=r"settings\.yaml: missing seed; expected"):
        read_run(tmp_path / "settings.yaml")
    whole = small_run().as_dict()
    del whole["momentum"]
    with pytest.raises(InputError, match="here: run 'r': missing settings momentum"):
        parse_run(whole, "here")
    with pytest.raises(InputError, match="here: lr: found 0; expected more than 0"):
        parse_run({**whole, "momentum": 0.9, "lr": 0}, "here")
    write_run(small_run(), tmp_path / "again.yaml")
    assert read_run(tmp_path / "again.yaml") == small_run()


def test_another_split_than_the_runs_is_refused(split, tmp_path):
    stats = {"split": "other", "definition": PerUserSplit(test_fraction=0.5, seed=0).model_dump(mode="json")}
    write_json(split / "stats.json", stats)
    with pytest.raises(InputError, match=r"found the split 'other', .*0.5.*; expected that of run 'r', 's', .*0.3"):
        train_here(small_run(), split, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("scale", "limit"), [(1, 10.0), (20, 200.0)])
def test_ratings_of_another_scale_are_learnt_and_do_not_diverge(split, tmp_path, scale, limit):
    """As from 20 to 100: a first epoch errs by more than any rating of stars could."""
    for part in ("train", "valid", "test"):
        table = pd.read_parquet(split / f"{part}.parquet")
        table.assign(rating=(scale * table["rating"]).astype("int8")).to_parquet(split / f"{part}.parquet")
    assert divergence_limit(read_train(split)) == limit
    run = small_run(lr=0.02 / scale**2, epochs=2)
    metrics = train_here(run, split, tmp_path / "run")
    assert metrics["status"] == "finished" and metrics["last_train_rmse"] > 1
