"""Blends: predictions against NumPy, and a model restored from a checkpoint."""

import numpy as np
import torch

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, rating_matrix
from deeprec.models.blend import BlendLearner
from deeprec.models.learners import restore
from deeprec.models.stacking import blended, known_of
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


def by_features(members: list[str]) -> BlendLearner:
    """A blend whose weights follow features, drawn at random."""
    blend = blend_of(members, [0], [0.0] * len(members), clip=False)
    scale = torch.tensor([[0.0, 2.0, 1.5, 0.5], [0.0, 2.5, 1.8, 0.4], [1.0, 5.0, 3.0, 0.5]], dtype=torch.float64)
    drawn = torch.randn(10, 1 + len(members), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    del blend._weights["shares"]
    blend._weights |= {"scale": scale, "by_features": 0.1 * drawn}
    return blend


def test_all_scores_are_the_predictions_of_all_pairs_by_features_as_well():
    blend = by_features(["als", "wide"])
    found = blend.predict(PAIRS)
    np.testing.assert_allclose(blend.scores(torch.arange(14)).numpy().ravel(), found, rtol=0, atol=2e-5)
    plain = blend_of(["als", "wide"], [0], blend._weights["by_features"][0, 1:].tolist(), clip=False)
    assert np.abs(found - plain.predict(PAIRS)).max() > 0.05


def test_a_new_users_ratings_count_for_his_weights():
    blend = by_features(["als", "wide"])
    few = rating_matrix(np.int32([0]), np.int32([2]), np.int8([4]), n_users=1, n_items=9)
    many = rating_matrix(
        np.zeros(9, np.int32), np.arange(9, dtype=np.int32), np.full(9, 4, np.int8), n_users=1, n_items=9
    )
    for ratings, n in ((few, 1), (many, 9)):
        base, *members = (m.fold_in(ratings).clamp(*m.limits) for [m] in (blend.base, *blend.members))
        known = known_of(base, torch.tensor([[n]]), blend.n_item)
        expected = blended(base, members, blend._weights, known)
        torch.testing.assert_close(blend.fold_in(ratings), expected, rtol=0, atol=1e-5)


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
