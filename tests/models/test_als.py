"""ALS, against NumPy's normal equations, and its objective."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.models import least_squares
from deeprec.models.als import AlsLearner, AlsSettings

CPU = torch.device("cpu")
N_USERS, N_ITEMS = 60, 40


def low_rank_ratings(seed: int = 0) -> tuple[RatingMatrix, Part]:
    """Return ratings of exactly rank 3 around 3 stars, half of them to learn from and the others held out."""
    rng = np.random.default_rng(seed)
    stars = (3 + 0.5 * rng.normal(size=(N_USERS, 3)) @ rng.normal(size=(3, N_ITEMS))).astype(np.float32)
    known = rng.random(stars.shape) < 0.5
    (user, item), rest = (np.nonzero(mask) for mask in (known, ~known))
    matrix = rating_matrix(user.astype(np.int32), item.astype(np.int32), stars[user, item], N_USERS, N_ITEMS)
    return matrix, Part(rest[0].astype(np.int32), rest[1].astype(np.int32), stars[rest])


def learner_of(matrix: RatingMatrix, rank: int = 4, l2: float = 0.05) -> AlsLearner:
    torch.manual_seed(0)
    return AlsLearner(AlsSettings(rank=rank, l2=l2, init_std=0.1, clip=False, epochs=1), matrix, CPU)


def test_items_start_at_their_mean_ratings_and_small_factors() -> None:
    matrix, _ = low_rank_ratings()
    rows = matrix.rows(torch.arange(N_USERS)).dense()
    items = learner_of(matrix, rank=50).w["items"]
    torch.testing.assert_close(items[:, 0], rows.sum(0) / (rows != 0).sum(0), rtol=0, atol=1e-5)
    # The deviation of 1,960 draws lies within five of its own deviations.
    assert items[:, 1:].std().item() == pytest.approx(0.1, rel=5 / np.sqrt(2 * 40 * 49))


@pytest.mark.parametrize("group", [1, 200, 1 << 17], ids=["row by row", "some groups", "one group"])
def test_half_steps_solve_the_normal_equations(group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "GROUP_RATINGS", group)
    matrix, _ = low_rank_ratings()
    learner = learner_of(matrix)
    rows = matrix.rows(torch.arange(N_USERS)).dense().double().numpy()
    q = learner.w["items"].double().numpy()
    learner.solve("users", learner.w["items"])
    _assert_solved(learner.w["users"], rows, q)
    learner.solve("items", learner.w["users"])
    _assert_solved(learner.w["items"], rows.T, learner.w["users"].double().numpy())


def _assert_solved(found: torch.Tensor, rows: np.ndarray, others: np.ndarray) -> None:
    for row, p in zip(rows, found, strict=True):
        known = row != 0
        a = others[known].T @ others[known] + 0.05 * known.sum() * np.eye(others.shape[1])
        # Float32 at a condition number up to 170.
        np.testing.assert_allclose(p, np.linalg.solve(a, others[known].T @ row[known]), rtol=0, atol=5e-5)


def test_objective_falls_at_every_half_step() -> None:
    matrix, _ = low_rank_ratings()
    learner, objectives = learner_of(matrix), []
    learner.solve("users", learner.w["items"])
    for _ in range(5):
        for name, others in (("items", "users"), ("users", "items")):
            learner.solve(name, learner.w[others])
            objectives.append(_objective(learner, 0.05))
    assert (np.diff(objectives) < 0).all()
    assert objectives[-1] < 0.9 * objectives[0]


def _objective(learner: AlsLearner, l2: float) -> float:
    penalty = sum(
        (side.offsets.diff() * learner.w[name].double().square().sum(1)).sum().item()
        for name, side in learner.sides.items()
    )
    return learner.squared_error()[0].item() + l2 * penalty


def test_training_error_is_that_of_the_predictions() -> None:
    learner = learner_of(low_rank_ratings()[0])
    for epoch in (1, 2):
        errors, counts = learner.train_epoch(epoch)
    expected, n = learner.squared_error()
    assert counts.sum() == n.sum()
    assert errors.sum() == pytest.approx(expected.sum(), rel=1e-4)


def test_completes_a_matrix_of_low_rank() -> None:
    matrix, rest = low_rank_ratings()
    learner = learner_of(matrix, l2=1e-4)
    for epoch in range(40):
        learner.train_epoch(epoch + 1)
    assert np.sqrt(np.square(learner.predict(rest) - rest.rating).mean()) < 0.05


def test_ranks_above_the_matrix_size_are_regularised() -> None:
    learner = learner_of(low_rank_ratings()[0], rank=100)
    errors, counts = learner.train_epoch(1)
    assert 0 <= errors.sum() / counts.sum() < 0.5


def test_an_epoch_makes_nothing_as_long_as_the_ratings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which at Netflix's size were gigabytes, beside the 5 bytes a rating that either order takes."""
    monkeypatch.setattr(least_squares, "GROUP_RATINGS", 100)
    matrix, _ = low_rank_ratings()
    learner = learner_of(matrix, rank=2)

    class Largest(TorchDispatchMode):
        found = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                self.found = max(self.found, out.numel())
            return out

    with Largest() as largest:
        learner.train_epoch(1)
    assert 0 < largest.found < matrix.n_ratings / 2
