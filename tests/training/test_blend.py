"""A blend's folder: made of the members' folders alone, with their predictions, costs and checkpoints."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from deeprec.config.run_settings import Run, write_run
from deeprec.data.matrix import read_part, read_train
from deeprec.models.learners import restore
from deeprec.models.ranking import ranking_scores
from deeprec.runtime.files import InputError, read_json, write_json
from deeprec.training.loop import rmse
from deeprec.training.runs import train_run
from tests.conftest import run_of, write_split

CPU = torch.device("cpu")
MEMBERS = {
    "bias": run_of("bias", name="bias"),
    "als": run_of("als", name="als", rank=2, epochs=4),
    "raw": run_of(name="raw", hidden=[6], activation="tanh", lr=0.05, batch_size=8, epochs=4, clip=True),
}
BLEND = run_of("blend", name="mix", members=["als", "raw"])


def make(run: Run, results: Path) -> dict:
    out = results / "runs" / run.name / f"seed_{run.seed}"
    write_run(run, out / "settings.yaml")
    options = {"state_path": None, "save_seconds": 1e9, "on_epoch": lambda progress: None}
    return train_run(run, results / "splits" / "s", out, device=CPU, **options)[1]


@pytest.fixture
def results(tmp_path) -> Path:
    write_split(tmp_path / "splits" / "s")
    for run in MEMBERS.values():
        for seed in (0, 1):
            make(run.with_seed(seed), tmp_path)
    return tmp_path


def predictions(results: Path, name: str, part: str = "valid_predictions", seed: int = 0) -> pd.DataFrame:
    return pd.read_parquet(results / "runs" / name / f"seed_{seed}" / f"{part}.parquet")


def test_it_is_fitted_on_validation_and_scored_on_test(results):
    metrics = make(BLEND, results)
    valid = {name: predictions(results, name) for name in ("bias", "als", "raw", "mix")}
    assert metrics["valid_rmse"] == pytest.approx(rmse(valid["mix"]["prediction"], valid["mix"]["rating"]), abs=1e-7)
    for name in MEMBERS:
        assert metrics["valid_rmse"] <= rmse(valid[name]["prediction"], valid[name]["rating"]) + 1e-6
    test = predictions(results, "mix", "predictions")
    assert metrics["test_rmse"] == pytest.approx(rmse(test["prediction"], test["rating"]), abs=1e-7)
    assert metrics["status"] == "finished" and metrics["weights"].startswith("als 0.")


def test_its_checkpoint_predicts_what_the_folder_holds(results):
    make(BLEND, results)
    kept = torch.load(results / "runs" / "mix" / "seed_0" / "checkpoint.pt", weights_only=True)
    split = results / "splits" / "s"
    model = restore(BLEND.settings, kept["weights"], read_train(split))
    for part, file in (("valid", "valid_predictions"), ("test", "predictions")):
        found = model.predict(read_part(split, part))
        np.testing.assert_allclose(found, predictions(results, "mix", file)["prediction"], rtol=0, atol=1e-5)


def test_its_ranking_is_that_of_the_model_it_becomes(results):
    metrics = make(replace(BLEND, relevant=4), results)
    kept = torch.load(results / "runs" / "mix" / "seed_0" / "checkpoint.pt", weights_only=True)
    split, train = results / "splits" / "s", read_train(results / "splits" / "s")
    model = restore(BLEND.settings, kept["weights"], train)
    ranking = ranking_scores(model, train, read_part(split, "valid"), read_part(split, "test"), relevant=4)
    assert {name: metrics[name] for name in ranking} == ranking and ranking["ndcg_10"] > 0


def test_it_costs_what_its_members_cost(results):
    before = time.time()
    metrics = make(BLEND, results)
    inputs = [read_json(results / "runs" / name / "seed_0" / "metrics.json") for name in MEMBERS]
    assert metrics["seconds"] >= sum(found["seconds"] for found in inputs)
    assert metrics["n_parameters"] == sum(found["n_parameters"] for found in inputs) + 2  # and a weight a member
    assert metrics["peak_memory_bytes"] == max(found["peak_memory_bytes"] for found in inputs)
    history = pd.read_parquet(results / "runs" / "mix" / "seed_0" / "history.parquet")
    assert history[["epoch", "step"]].to_numpy().tolist() == [[1, 1]]
    assert 1000 * before - 1 <= history["timestamp"][0] <= 1000 * time.time()


def test_equal_weights_are_one_together(results):
    make(BLEND.with_settings(weights="equal", clip=False), results)
    p, q, mix = (predictions(results, name)["prediction"].to_numpy() for name in ("als", "raw", "mix"))
    np.testing.assert_allclose(mix, (p + q) / 2, rtol=0, atol=1e-6)


def test_seeds_are_averaged(results):
    make(BLEND.with_settings(weights="equal", clip=False, seeds=[0, 1]), results)
    found = [predictions(results, name, seed=seed)["prediction"] for name in ("als", "raw") for seed in (0, 1)]
    np.testing.assert_allclose(predictions(results, "mix")["prediction"], np.mean(found, 0), rtol=0, atol=1e-6)


def test_a_diverged_member_makes_a_diverged_blend(results, caplog):
    path = results / "runs" / "raw" / "seed_0" / "metrics.json"
    write_json(path, {**read_json(path), "status": "diverged", "valid_rmse": None, "test_rmse": None})
    metrics = make(BLEND, results)
    assert metrics["status"] == "diverged" and metrics["test_rmse"] is None
    assert "run mix: diverged, since its member raw did" in caplog.text
    assert predictions(results, "mix")["prediction"].isna().all()


def test_a_member_of_another_split_is_refused(results):
    folder = results / "runs" / "als" / "seed_0"
    text = (folder / "settings.yaml").read_text().replace("test_fraction: 0.3", "test_fraction: 0.4")
    (folder / "settings.yaml").write_text(text)
    with pytest.raises(
        InputError, match=r"als/seed_0: found a run on toy, split s; expected the blend's toy, s, in the"
    ):
        make(BLEND, results)
