"""What holds for every model alike: bad input, goings-on after a kill, seeds and whole runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from deeprec.config.checks import load_plan
from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, RatingMatrix, rating_matrix, read_part, read_train
from deeprec.runtime.files import ROOT, InputError
from deeprec.settings.models import MODELS
from deeprec.tracking.live import history_metrics
from deeprec.training.loop import train
from deeprec.training.runs import learner_of, make_learner, train_run

CPU = torch.device("cpu")
RIVALS = ["bias", "pca", "als", "pmf", "i_autorec", "u_autorec", "rrn"]
EVERYONE = [*RIVALS, "deeprec"]


def run_of(name: str, **changes: Any) -> Run:
    """Return a run as the config gives it, with seed 0, small and short."""
    run = load_plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))).run(name).with_seed(0)
    small = {"rank": 2, "hidden": [4, 3] if name == "deeprec" else 4, "bucket_days": 7, "epochs": 3}
    known = type(run.settings).model_fields
    return run.with_settings(**{**{name: value for name, value in small.items() if name in known}, **changes})


def ratings(n_users: int = 12, n_items: int = 9, n_days: int = 40) -> Part:
    """Return all pairs, rated on random days; by user, then item."""
    rng = np.random.default_rng(0)
    user, item = (grid.ravel().astype(np.int32) for grid in np.mgrid[:n_users, :n_items])
    rating = rng.integers(1, 6, len(user)).astype(np.int8)
    date = (10_000 + rng.integers(0, n_days, len(user))).astype(np.int32)
    return Part(user, item, rating, date)


def matrix_of(part: Part) -> RatingMatrix:
    n_users, n_items = int(part.user.max()) + 1, int(part.item.max()) + 1
    return rating_matrix(part.user, part.item, part.rating, n_users, n_items, part.date)


def answer(run: str, part: Part, **changes: Any) -> np.ndarray:
    settings = run_of(run, **changes)
    learner = make_learner(settings, matrix_of(part), CPU)
    train(learner, part, settings.settings.epochs)
    return learner.predict(part)


@pytest.mark.parametrize("run", EVERYONE)
@pytest.mark.parametrize(("n_users", "n_items"), [(1, 9), (12, 1)], ids=["one user", "one item"])
def test_one_user_or_item_has_an_answer(run: str, n_users: int, n_items: int) -> None:
    changes = {"rank": 1} if run == "pca" else {}
    prediction = answer(run, ratings(n_users, n_items), **changes)
    assert np.isfinite(prediction).all()
    assert run == "deeprec" or (prediction.min() >= 1 and prediction.max() <= 5)


@pytest.mark.parametrize("run", EVERYONE)
def test_users_with_one_rating_have_an_answer(run: str) -> None:
    part = ratings()
    alone = part.item == part.user % 9
    single = Part(part.user[alone], part.item[alone], part.rating[alone], part.date[alone])
    assert np.isfinite(answer(run, single)).all()


@pytest.mark.parametrize("run", [run for run in EVERYONE if run != "rrn"])
def test_one_date_changes_nothing_for_models_without_time(run: str) -> None:
    part = ratings(n_days=1)
    assert np.isfinite(answer(run, part)).all()


def test_one_date_is_refused_by_the_model_of_time() -> None:
    with pytest.raises(InputError, match="model 'rrn': the training dates span 1 days"):
        answer("rrn", ratings(n_days=1))


@pytest.mark.parametrize("run", ["als", "pmf", "i_autorec", "u_autorec", "rrn"])
def test_more_factors_than_rows_are_regularised(run: str) -> None:
    name = "hidden" if run.endswith("autorec") else "rank"
    assert np.isfinite(answer(run, ratings(), **{name: 50})).all()


def test_pca_refuses_more_factors_than_rows() -> None:
    with pytest.raises(InputError, match="rank 50 of a matrix of 12 users × 9 items; expected at most 9"):
        answer("pca", ratings(), rank=50)


@pytest.mark.parametrize("run", RIVALS)
def test_a_killed_training_ends_as_an_undisturbed_one(run: str, tmp_path: Path) -> None:
    settings, part, state = run_of(run), ratings(), tmp_path / "state.pt"
    whole = train(make_learner(settings, matrix_of(part), CPU), part, 4)
    train(make_learner(settings, matrix_of(part), CPU), part, 2, state_path=state, save_seconds=0)
    resumed = make_learner(settings, matrix_of(part), CPU)
    torch.rand(3)  # the generator of the new process is somewhere else
    progress = train(resumed, part, 4, state_path=state, save_seconds=0)
    assert [row["valid_rmse"] for row in progress.history] == [row["valid_rmse"] for row in whole.history]


@pytest.mark.parametrize("run", RIVALS)
def test_a_checkpoint_predicts_as_the_learner_did(run: str) -> None:
    settings, part = run_of(run), ratings()
    learner, other = (make_learner(settings.with_seed(seed), matrix_of(part), CPU) for seed in (0, 1))
    train(learner, part, 2)
    other.load(learner.weights())
    np.testing.assert_array_equal(other.predict(part), learner.predict(part))


@pytest.mark.parametrize("run", RIVALS)
def test_a_split_on_disk_becomes_a_whole_run(run: str, tmp_path: Path) -> None:
    part, split, out = ratings(), tmp_path / "split", tmp_path / "run"
    split.mkdir()
    columns = {
        "user": part.user,
        "item": part.item,
        "rating": part.rating,
        "date": pa.array(part.date, pa.date32()),
    }
    for name in ("train", "valid", "test"):
        pq.write_table(pa.table(columns), split / f"{name}.parquet")
    for name, n in (("users", 12), ("items", 9)):
        pq.write_table(pa.table({name: np.arange(n)}), split / f"{name}.parquet")
    progress, metrics = train_run(
        run_of(run), split, out, device=CPU, state_path=tmp_path / "state.pt", save_seconds=30,
        on_epoch=lambda progress: None,
    )  # fmt: skip
    assert metrics["status"] == "finished"
    lr = pq.read_table(out / "history.parquet")["lr"].to_numpy()
    assert np.isnan(lr).all() == (run in ("bias", "pca", "als"))
    logged = {metric.key for metric in history_metrics(progress.history)}
    assert ("lr" in logged) != (run in ("bias", "pca", "als"))


def test_dates_come_from_the_split_and_fit_two_bytes(tmp_path: Path) -> None:
    days = pa.array([-25_000, 20_000], pa.int32()).cast(pa.date32())
    columns = {"user": np.int32([0, 1]), "item": np.int32([0, 0]), "rating": np.int8([1, 2]), "date": days}
    pq.write_table(pa.table(columns), tmp_path / "train.parquet")
    for name, n in (("users", 2), ("items", 1)):
        pq.write_table(pa.table({name: np.arange(n)}), tmp_path / f"{name}.parquet")
    assert read_train(tmp_path).dates is None
    assert read_train(tmp_path, dated=True).dates.tolist() == [-25_000, 20_000]
    far = pa.table({**columns, "date": pa.array([0, 40_000], pa.int32()).cast(pa.date32())})
    pq.write_table(far, tmp_path / "train.parquet")
    with pytest.raises(InputError, match=r"train.parquet: dates run from day 0 to 40000 since 1970; expected ±32768"):
        read_part(tmp_path, "train")


@pytest.mark.parametrize("model", MODELS)
def test_every_model_names_its_learner(model: str) -> None:
    kind = MODELS[model]
    assert kind.model == model
    assert learner_of(kind).__name__ == kind.learner.partition(":")[2]


def test_blocks_hold_every_rating_once_and_in_order() -> None:
    part = ratings(5, 4)
    keep = np.flatnonzero(part.user != 2)  # a row without ratings
    matrix = rating_matrix(part.user[keep], part.item[keep], part.rating[keep], 6, 4)
    for size in (1, 3, 4, 100):
        blocks = list(matrix.blocks(size))
        user, item, rating = (torch.cat([block[k] for block in blocks]).numpy() for k in (1, 2, 3))
        np.testing.assert_array_equal(user, part.user[keep])
        np.testing.assert_array_equal(item, part.item[keep])
        np.testing.assert_array_equal(rating, part.rating[keep])
        assert [block[0].start for block in blocks] == list(range(0, len(keep), size))
