"""The weights of a blend: against other solvers and NumPy, and what they must and must not do."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from deeprec.models import stacking
from deeprec.models.stacking import (
    blended,
    features,
    fit_by_features,
    fit_scale,
    fit_weights,
    known_of,
    mean_weights,
)


def some_predictions(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rating = rng.integers(1, 6, 60).astype(float)
    base = 3 + rng.normal(0, 0.5, 60)
    return base, rating + rng.normal(0, [[0.7], [0.9], [5.0]], (3, 60)), rating


def some_known(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    counts = torch.from_numpy(rng.integers(1, 500, (2, n)))
    return known_of(torch.from_numpy(rng.normal(3.5, 0.5, n)), *counts)


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


def test_blending_moves_from_the_base_by_shares():
    base, members = torch.tensor([3.0, 3.0]), torch.tensor([[4.0, 2.0], [5.0, 3.0]])
    found = blended(base, list(members), {"shares": torch.tensor([0.5, 0.25])}, some_known(2))
    torch.testing.assert_close(found, torch.tensor([4.0, 2.5]))


def test_features_are_all_products_of_two_within_the_range_of_most():
    known = some_known(1000)
    scale = fit_scale(known)
    found = torch.stack(list(features(known, scale))).numpy()
    units = []
    for values in known:
        within = np.clip(values.numpy(), *np.quantile(values.numpy(), [0.01, 0.99]))
        units.append((within - within.mean()) / within.std())
    x, y, z = units
    expected = [np.ones(1000), x, y, z, x * x, x * y, x * z, y * y, y * z, z * z]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_pair_beyond_all_others_is_weighted_as_the_last_of_them():
    known = some_known(1000)
    scale = fit_scale(known)
    at_the_end = tuple(torch.tensor([high]) for _, high, _, _ in scale.tolist())
    beyond = tuple(value + 10 for value in at_the_end)
    for one, other in zip(features(at_the_end, scale), features(beyond, scale), strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_the_same_everywhere_is_no_feature():
    known = (torch.full((20,), 2.0, dtype=torch.float64), *some_known(20)[1:])
    _, x, *_ = features(known, fit_scale(known))
    assert (x == 0).all()


def fitted(seed: int, prior: float, n: int = 400) -> tuple[torch.Tensor, ...]:
    """Return known, scale, moves, error and weights of some pairs, and what is fitted to them."""
    rng = np.random.default_rng(seed)
    known = some_known(n, seed)
    moves = torch.from_numpy(rng.normal(0, 0.5, (2, n)))
    units = (known[0] - known[0].mean()) / known[0].std()
    error = (0.5 + 0.3 * units) * moves[0] + 0.2 * moves[1] + 0.1 * units + torch.from_numpy(rng.normal(0, 0.1, n))
    weights, scale = torch.tensor([0.4, 0.3], dtype=torch.float64), fit_scale(known)
    return known, scale, moves, error, weights, fit_by_features(known, scale, moves, error, weights, prior)


@pytest.mark.parametrize("prior", [1.0, 100.0, 5000.0])
def test_weights_by_features_are_ridge_regression_about_the_plain_ones(prior):
    known, scale, moves, error, weights, found = fitted(0, prior)
    f = torch.stack(list(features(known, scale))).numpy()
    columns = np.vstack([np.ones(400), moves.numpy()])
    x = (f[:, None] * columns).reshape(30, 400).T
    start = np.zeros((10, 3))
    start[0, 1:] = weights
    # As least squares of more rows: one a coefficient, which asks for the plain weight.
    rows = np.diag(np.sqrt(prior * np.mean(x**2, 0)))
    expected, *_ = np.linalg.lstsq(np.vstack([x, rows]), np.concatenate([error, rows @ start.ravel()]), rcond=None)
    np.testing.assert_allclose(found.flatten(), expected, rtol=0, atol=1e-8)


def test_they_find_what_the_ratings_were_made_of():
    *_, found = fitted(1, prior=1e-6, n=20_000)
    expected = torch.zeros(10, 3)
    expected[0, 1:] = torch.tensor([0.5, 0.2])
    expected[1, :2] = torch.tensor([0.1, 0.3])  # the user's ratings: a correction, and the first member's weight
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=0.02)


def test_a_strong_prior_leaves_the_plain_weights():
    known, scale, moves, _, weights, found = fitted(2, prior=1e12)
    base = known[2]
    by_features = blended(base, list(base + moves), {"scale": scale, "by_features": found}, known)
    plain = blended(base, list(base + moves), {"shares": weights}, known)
    torch.testing.assert_close(by_features, plain, rtol=0, atol=1e-6)


def test_they_are_fitted_the_same_in_blocks(monkeypatch):
    *_, whole = fitted(3, prior=100.0)
    monkeypatch.setattr(stacking, "BLOCK_PAIRS", 64)
    *_, blocks = fitted(3, prior=100.0)
    torch.testing.assert_close(whole, blocks, rtol=0, atol=1e-9)


def test_the_mean_of_weights_that_follow_features():
    known, scale, moves, _, _, found = fitted(4, prior=10.0)
    kept = {"scale": scale, "by_features": found}
    # A member's weight is what the blend moves when the member does by one star.
    base = known[2]
    still = blended(base, list(base + moves), kept, known)
    for member, mean in enumerate(mean_weights(kept, known)):
        moved = moves.clone()
        moved[member] += 1
        weight = blended(base, list(base + moved), kept, known) - still
        assert weight.mean().item() == pytest.approx(mean, abs=1e-9)
    assert mean_weights({"shares": torch.tensor([0.5])}, known) == [0.5]


def test_some_users_and_all_items_are_weighted_as_pairs():
    _, scale, _, _, _, found = fitted(5, prior=10.0)
    rng = np.random.default_rng(5)
    base, members = torch.from_numpy(rng.normal(3, 1, (4, 6))), torch.from_numpy(rng.normal(3, 1, (2, 4, 6)))
    n_user, n_item = torch.tensor([1, 5, 50, 900]), torch.tensor([1, 2, 4, 30, 200, 1000])
    kept = {"scale": scale, "by_features": found}
    whole = blended(base, list(members), kept, known_of(base, n_user[:, None], n_item))
    user, item = (index.flatten() for index in torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij"))
    pairs = known_of(base[user, item], n_user[user], n_item[item])
    one = blended(base[user, item], [member[user, item] for member in members], kept, pairs)
    torch.testing.assert_close(whole.flatten(), one, rtol=0, atol=1e-12)
