"""Blends: weights against another solver, predictions against NumPy, and a model restored from a checkpoint."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, rating_matrix
from deeprec.models.blend import BlendLearner, blended, fit_weights
from deeprec.models.learners import restore
from deeprec.settings.blend import BlendSettings
from deeprec.training.loop import train
from deeprec.training.runs import make_learner
from tests.conftest import random_matrix, run_of

CPU = torch.device("cpu")
MATRIX = random_matrix(14, 9)
PAIRS = Part(*(grid.ravel().astype(np.int32) for grid in np.mgrid[:14, :9]), np.zeros(14 * 9, np.int8))
USERS = {"hidden": [5], "activation": "tanh", "lr": 0.05, "batch_size": 4, "clip": True}
RUNS = {
    "biases": run_of("bias", name="biases"),
    "als": run_of("als", name="als", rank=2),
    "wide": run_of(name="wide", **USERS),
}


def some_predictions(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rating = rng.integers(1, 6, 60).astype(float)
    base = 3 + rng.normal(0, 0.5, 60)
    return base, rating + rng.normal(0, [[0.7], [0.9], [5.0]], (3, 60)), rating


@pytest.mark.parametrize("seed", range(5))
def test_weights_are_the_least_squares_of_a_bounded_search(seed):
    base, members, rating = some_predictions(seed)

    def error(w: np.ndarray) -> float:
        return float(np.square(rating - base - w @ (members - base)).sum())

    bounded = minimize(error, np.full(3, 0.3), bounds=[(0, None)] * 3, method="L-BFGS-B", options={"ftol": 1e-14})
    np.testing.assert_allclose(fit_weights(base, members, rating), bounded.x, rtol=0, atol=1e-3)


def test_a_member_that_says_the_opposite_gets_nothing():
    base, members, rating = some_predictions(0)
    against = 2 * base - rating  # as far from the base as the truth, on the other side
    w = fit_weights(base, np.stack([members[0], against]), rating)
    assert w[1] == 0 and w[0] > 0.5


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (4, 30), elements=st.floats(1, 5)), arrays(np.float64, 30, elements=st.floats(1, 5)))
def test_a_blend_is_never_worse_on_what_it_was_fitted_to_than_any_member_or_the_base(predictions, rating):
    base, members = predictions[0], predictions[1:]
    w = fit_weights(base, members, rating)
    assert (w >= 0).all()

    def error(y: np.ndarray) -> float:
        return float(np.square(y - rating).sum())

    best = min(error(y) for y in predictions)
    assert error(base + w @ (members - base)) <= best + 1e-9 * (1 + best)


def learnt(name: str, seed: int) -> dict:
    """Train a run of RUNS for three epochs; return its checkpoint."""
    run: Run = RUNS[name].with_seed(seed).with_settings(epochs=3)
    learner = make_learner(run, MATRIX, CPU)
    train(learner, Part(PAIRS.user, PAIRS.item, np.full(len(PAIRS), 3.0)), 3)
    return {"settings": run.as_dict(), "weights": learner.weights()}


def blend_of(members: list[str], seeds: list[int], shares: list[float], **changes) -> BlendLearner:
    learner = BlendLearner(BlendSettings(members=members, base="biases", **changes), MATRIX, CPU)
    learner.load(
        {
            "base": [learnt("biases", 0)],
            "members": [[learnt(name, seed) for seed in seeds] for name in members],
            "shares": torch.tensor(shares, dtype=torch.float64),
        }
    )
    return learner


def predictions_of(name: str, seed: int) -> np.ndarray:
    kept = learnt(name, seed)
    return restore(RUNS[name].settings, kept["weights"], MATRIX).predict(PAIRS).astype(float)


def test_it_predicts_by_its_members_alone():
    blend = blend_of(["als", "wide"], [0], [0.6, 0.3])
    b, p, q = (predictions_of(name, 0) for name in ("biases", "als", "wide"))
    np.testing.assert_allclose(blend.predict(PAIRS), (b + 0.6 * (p - b) + 0.3 * (q - b)).clip(1, 5), rtol=0, atol=1e-5)


def test_seeds_are_averaged_before_they_are_blended():
    blend = blend_of(["als", "wide"], [0, 1], [0.5, 0.5])
    b = predictions_of("biases", 0)
    p, q = (np.mean([predictions_of(name, seed) for seed in (0, 1)], 0) for name in ("als", "wide"))
    np.testing.assert_allclose(blend.predict(PAIRS), (0.5 * p + 0.5 * q).clip(1, 5), rtol=0, atol=1e-5)
    assert not np.allclose(p, b)


def test_all_scores_are_the_predictions_of_all_pairs():
    blend = blend_of(["als", "wide"], [0], [0.6, 0.3], clip=False)
    scores = blend.scores(torch.arange(14)).numpy()
    np.testing.assert_allclose(scores.ravel(), blend.predict(PAIRS), rtol=0, atol=2e-5)


def test_a_new_user_gets_the_blend_of_what_the_members_say_of_him():
    blend = blend_of(["als", "wide"], [0], [0.6, 0.3], clip=False)
    b, p, q = (member.fold_in(MATRIX).clamp(*member.limits) for [member] in (blend.base, *blend.members))
    torch.testing.assert_close(blend.fold_in(MATRIX), b + 0.6 * (p - b) + 0.3 * (q - b), rtol=0, atol=1e-5)


def test_who_has_no_training_rating_gets_the_biases_alone():
    user, item = np.int32([0, 0, 1, 2]), np.int32([0, 1, 1, 0])
    matrix = rating_matrix(user, item, np.int8([5, 3, 4, 1]), n_users=4, n_items=3)  # user 3 and item 2: none
    kept = {}
    for name in RUNS:
        learner = make_learner(RUNS[name], matrix, CPU)
        learner.train_epoch(1)
        kept[name] = {"settings": RUNS[name].as_dict(), "weights": learner.weights()}
    shares = torch.tensor([0.6, 0.3], dtype=torch.float64)
    blend = BlendLearner(BlendSettings(members=["als", "wide"], base="biases"), matrix, CPU)
    blend.load({"base": [kept["biases"]], "members": [[kept["als"]], [kept["wide"]]], "shares": shares})
    [base] = blend.base
    unknown = Part(np.int32([3, 3, 0, 2]), np.int32([0, 2, 2, 2]), np.zeros(4))
    np.testing.assert_array_equal(blend.predict(unknown), base.predict(unknown))
    np.testing.assert_allclose(blend.scores(torch.tensor([3]))[0], base.scores(torch.tensor([3]))[0], rtol=0, atol=1e-6)
    new, theirs = blend.fold_in(matrix), base.fold_in(matrix)
    torch.testing.assert_close(new[3], theirs[3], rtol=0, atol=1e-6)
    assert (new - theirs)[:3, :2].abs().amax(1).min() > 1e-3  # one rating is enough
    known = Part(user, item, np.zeros(4))
    assert np.abs(blend.predict(known) - base.predict(known)).max() > 1e-3


def test_blending_moves_from_the_base_by_shares():
    base, members = np.array([3.0, 3.0]), np.array([[4.0, 2.0], [5.0, 3.0]])
    np.testing.assert_allclose(blended(base, members, np.array([0.5, 0.25])), [4.0, 2.5], rtol=0, atol=1e-6)
