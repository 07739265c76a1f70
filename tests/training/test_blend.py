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
from deeprec.models.blend import rating_counts
from deeprec.models.learners import restore
from deeprec.models.ranking import ranking_scores
from deeprec.models.stacking import blended, fit_by_features, fit_scale, fit_weights, known_of
from deeprec.runtime.files import InputError, read_json, write_json
from deeprec.settings.blend import BlendSettings
from deeprec.training.blend import fit_blend, out_of_fold
from deeprec.training.blend_inputs import Predicted
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


def test_its_scores_are_those_of_its_predictions(results):
    metrics = make(BLEND, results)
    for part, file in (("valid", "valid_predictions"), ("test", "predictions")):
        found = predictions(results, "mix", file)
        assert metrics[f"{part}_rmse"] == pytest.approx(rmse(found["prediction"], found["rating"]), abs=1e-7)
    assert metrics["status"] == "finished" and metrics["weights"].startswith("als ")


@pytest.mark.parametrize("weights", ["fitted", "by_features"])
def test_validation_is_predicted_by_weights_that_were_fitted_to_the_rest_of_it(results, weights):
    make(BLEND.with_settings(weights=weights, clip=False), results)
    found = {name: predictions(results, name) for name in ("bias", "als", "raw", "mix")}
    frames = [found[name]["prediction"].to_numpy(np.float64) for name in ("bias", "als", "raw")]
    rating, train = found["mix"]["rating"].to_numpy(np.float64), read_train(results / "splits" / "s")
    n_user, n_item = rating_counts(train)
    pairs = [found["mix"][side].to_numpy(copy=True) for side in ("user", "item")]
    b, p, q = (torch.from_numpy(frame) for frame in frames)
    known = known_of(b, n_user[pairs[0]], n_item[pairs[1]])
    for fold in range(10):
        out = np.arange(len(rating)) % 10 == fold
        kept = {"shares": torch.from_numpy(fit_weights(frames[0][~out], np.array(frames[1:])[:, ~out], rating[~out]))}
        if weights == "by_features":
            rest = torch.from_numpy(~out & (n_user[pairs[0]] * n_item[pairs[1]] > 0).numpy())
            inside = [values[rest] for values in known]
            scale, error = fit_scale(inside), torch.from_numpy(rating)[rest] - b[rest]
            moves = torch.stack([p - b, q - b])[:, rest]
            fitted = fit_by_features(inside, scale, moves, error, kept["shares"], prior=1000)
            kept = {"scale": scale, "by_features": fitted}
        expected = blended(b, [p, q], kept, known).numpy()
        at = out & (n_user[pairs[0]] * n_item[pairs[1]] > 0).numpy()
        np.testing.assert_allclose(found["mix"]["prediction"][at], expected[at], rtol=0, atol=1e-5)


@pytest.mark.parametrize("weights", ["equal", "fitted", "by_features"])
def test_its_checkpoint_predicts_the_test_part_as_the_folder_does(results, weights):
    make(BLEND.with_settings(weights=weights), results)
    kept = torch.load(results / "runs" / "mix" / "seed_0" / "checkpoint.pt", weights_only=True)
    split = results / "splits" / "s"
    found = restore(BLEND.settings, kept["weights"], read_train(split)).predict(read_part(split, "test"))
    np.testing.assert_allclose(found, predictions(results, "mix", "predictions")["prediction"], rtol=0, atol=1e-5)


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
    # And for each of ten features a correction and a weight a member; the scale of three.
    assert metrics["n_parameters"] == sum(found["n_parameters"] for found in inputs) + 10 * 3 + 3 * 4
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


@pytest.mark.parametrize("rated", [True, False])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 11])
def test_however_few_ratings_validation_has_it_is_blended(n, rated):
    generator = torch.Generator().manual_seed(n)
    base, *members = 3 + torch.rand(3, n, generator=generator, dtype=torch.float64)
    counts = torch.randint(1, 9, (2, n), generator=generator) * rated
    pairs = Predicted(base, torch.stack(members), known_of(base, *counts))
    rating = 1 + 4 * torch.rand(n, generator=generator, dtype=torch.float64)
    settings = BlendSettings(members=["als", "raw"])
    kept = fit_blend(settings, pairs, rating)
    for found in (out_of_fold(settings, pairs, rating), pairs.blended(kept)):
        assert np.isfinite(found).all() and len(found) == n
        assert rated or np.allclose(found, base, rtol=0, atol=1e-6)
