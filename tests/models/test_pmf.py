"""PMF, against scikit-surprise's on MovieLens 100K, and its gradient against NumPy."""

import numpy as np
import pandas as pd
import pytest
import surprise
import torch

from deeprec.data import movielens
from deeprec.data.matrix import Part, RatingMatrix, rating_matrix, read_part
from deeprec.data.ratings import write_table
from deeprec.data.splits import split_ratings
from deeprec.models.pmf import PmfLearner, PmfSettings
from deeprec.settings.sources import MovieLensSource
from deeprec.settings.splits import PerUserSplit
from deeprec.training.loop import rmse
from tests.conftest import random_matrix

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def movielens_parts(request: pytest.FixtureRequest) -> tuple[Part, Part]:
    """Return the train and valid part of MovieLens 100K's last 30 % a user; fetched once and kept."""
    folder = request.config.cache.mkdir("movielens")
    source = MovieLensSource(source="movielens", archive="ml-100k")
    archive, _ = movielens.fetch(source, folder)
    write_table(movielens.read(archive, source).ratings, folder / "ratings.parquet")
    split_ratings(folder / "ratings.parquet", folder / "split", PerUserSplit(test_fraction=0.3, seed=0))
    return read_part(folder / "split", "train"), read_part(folder / "split", "valid")


def _matrix(part: Part) -> RatingMatrix:
    return rating_matrix(part.user, part.item, part.rating, int(part.user.max()) + 1, int(part.item.max()) + 1)


def test_agrees_with_surprise_on_movielens(movielens_parts: tuple[Part, Part]) -> None:
    train, valid = movielens_parts
    torch.manual_seed(0)
    settings = PmfSettings(epochs=38)
    learner = PmfLearner(settings, _matrix(train), CPU)
    for epoch in range(settings.epochs):
        learner.train_epoch(epoch + 1)

    table = pd.DataFrame({"user": train.user, "item": train.item, "rating": train.rating})
    data = surprise.Dataset.load_from_df(table, surprise.Reader(rating_scale=(1, 5)))
    theirs = surprise.SVD(n_factors=10, n_epochs=60, biased=False, lr_all=0.005, reg_all=0.1, random_state=0)
    theirs.fit(data.build_full_trainset())
    pairs = zip(valid.user.tolist(), valid.item.tolist(), strict=True)
    expected = rmse(np.array([theirs.predict(u, i).est for u, i in pairs]), valid.rating)
    assert rmse(learner.predict(valid), valid.rating) == pytest.approx(expected, abs=0.01)


def test_factors_start_with_the_deviation_that_is_asked_for() -> None:
    torch.manual_seed(0)
    learner = PmfLearner(PmfSettings(rank=40, init_std=0.1), random_matrix(30, 20), CPU)
    for name, n in (("users", 30 * 40), ("items", 20 * 40)):
        # The deviation of n draws lies within five of its own deviations.
        assert learner.weights()[name].std().item() == pytest.approx(0.1, rel=5 / np.sqrt(2 * n))


@pytest.mark.parametrize("center", [True, False])
def test_a_step_follows_the_gradient(center: bool) -> None:
    part = Part(np.int32([0, 0, 1, 2]), np.int32([0, 1, 1, 0]), np.int8([5, 3, 1, 4]))
    torch.manual_seed(0)
    settings = PmfSettings(rank=2, init_std=1.0, center=center, lr=0.01, momentum=0.0, batch_size=4, clip=False)
    learner = PmfLearner(settings, rating_matrix(part.user, part.item, part.rating, 3, 2), CPU)
    p, q = (learner.weights()[name].double().numpy().copy() for name in ("users", "items"))
    error = part.rating - (part.rating.mean() if center else 0) - (p[part.user] * q[part.item]).sum(1)
    slope_p, slope_q = np.zeros_like(p), np.zeros_like(q)
    np.add.at(slope_p, part.user, -2 * error[:, None] * q[part.item] + 0.2 * p[part.user])
    np.add.at(slope_q, part.item, -2 * error[:, None] * p[part.user] + 0.2 * q[part.item])

    errors, counts = learner.train_epoch(1)
    assert errors.sum() == pytest.approx(np.square(error).sum(), rel=1e-5)
    assert counts.tolist() == [4]
    np.testing.assert_allclose(learner.weights()["users"], p - 0.01 * slope_p / 4, rtol=0, atol=1e-6)
    np.testing.assert_allclose(learner.weights()["items"], q - 0.01 * slope_q / 4, rtol=0, atol=1e-6)
