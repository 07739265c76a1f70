"""Bias-only, against scikit-surprise's own."""

import numpy as np
import pandas as pd
import pytest
import surprise
import torch

from deeprec.data.matrix import Part, rating_matrix
from deeprec.models.bias import BiasLearner, BiasSettings

CPU = torch.device("cpu")


def skewed_ratings(n_users: int = 60, n_items: int = 40, seed: int = 0) -> Part:
    """Return ratings of few items often and of many seldom, which depend on user and item."""
    rng = np.random.default_rng(seed)
    known = rng.random((n_users, n_items)) < np.linspace(0.9, 0.05, n_items)
    known[:, 0] = known[0] = True
    user, item = np.nonzero(known)
    stars = 3 + rng.normal(0, 1, n_users)[user] + rng.normal(0, 1, n_items)[item] + rng.normal(0, 0.5, len(user))
    rating = stars.round().clip(1, 5).astype(np.int8)
    return Part(user.astype(np.int32), item.astype(np.int32), rating)


@pytest.mark.parametrize(("l2_user", "l2_item", "sweeps"), [(15, 10, 10), (5, 2, 1), (0.5, 20, 3)])
def test_agrees_with_surprise(l2_user: float, l2_item: float, sweeps: int) -> None:
    part = skewed_ratings()
    matrix = rating_matrix(part.user, part.item, part.rating, 60, 40)
    learner = BiasLearner(BiasSettings(l2_user=l2_user, l2_item=l2_item, epochs=sweeps), matrix, CPU)
    for epoch in range(sweeps):
        learner.train_epoch(epoch + 1)

    options = {"method": "als", "reg_u": l2_user, "reg_i": l2_item, "n_epochs": sweeps}
    table = pd.DataFrame({"user": part.user, "item": part.item, "rating": part.rating})
    data = surprise.Dataset.load_from_df(table, surprise.Reader(rating_scale=(1, 5)))
    theirs = surprise.BaselineOnly(bsl_options=options, verbose=False).fit(data.build_full_trainset())

    user, item = (grid.ravel().astype(np.int32) for grid in np.mgrid[:60, :40])
    expected = [theirs.predict(u, i).est for u, i in zip(user.tolist(), item.tolist(), strict=True)]
    np.testing.assert_allclose(learner.predict(Part(user, item, np.zeros(2400))), expected, atol=1e-5)


def test_training_error_is_that_of_the_predictions() -> None:
    part = skewed_ratings()
    matrix = rating_matrix(part.user, part.item, part.rating, 60, 40)
    learner = BiasLearner(BiasSettings(clip=False), matrix, CPU)
    errors, counts = learner.train_epoch(1)
    assert counts.sum() == len(part)
    assert errors.sum() == pytest.approx(np.square(learner.predict(part) - part.rating).sum(), rel=1e-5)


def test_only_clipping_keeps_predictions_in_the_rating_range() -> None:
    part = skewed_ratings()
    matrix = rating_matrix(part.user, part.item, part.rating, 60, 40)
    free, clipped = (
        BiasLearner(BiasSettings(l2_user=0, l2_item=0.1, clip=clip), matrix, CPU) for clip in (False, True)
    )
    for learner in (free, clipped):
        learner.train_epoch(1)
    raw = free.predict(part)
    assert raw.max() > 5
    assert raw.min() < 1
    np.testing.assert_array_equal(clipped.predict(part), raw.clip(1, 5))
