"""AutoRec: its forward pass and its objective against NumPy."""

import numpy as np
import pytest
import torch

from deeprec.data.matrix import Part, rating_matrix
from deeprec.models.autorec import AutoRecLearner, AutoRecSettings

CPU = torch.device("cpu")
PART = Part(np.int32([0, 0, 1, 1, 2, 2, 3]), np.int32([0, 2, 0, 1, 1, 2, 0]), np.int8([5, 3, 1, 2, 4, 5, 2]))
MATRIX = rating_matrix(PART.user, PART.item, PART.rating, 4, 3)
DENSE = MATRIX.rows(torch.arange(4)).dense().numpy()
ROWS = {"users": DENSE, "items": DENSE.T}
PAIRS = Part(*(grid.ravel().astype(np.int32) for grid in np.mgrid[:4, :3]), np.zeros(12))


def learner_of(rows: str, **changes: float | bool | str) -> AutoRecLearner:
    settings = {"hidden": 5, "l2": 0.0, "optimizer": "adam", "lr": 0.05, "momentum": 0.0, "batch_size": 4}
    torch.manual_seed(0)
    return AutoRecLearner(
        AutoRecSettings(rows=rows, **{**settings, "clip": False, "epochs": 1, **changes}), MATRIX, CPU
    )


def forward(learner: AutoRecLearner, r: np.ndarray) -> np.ndarray:
    """Return h(r) = W g(V r + μ) + b of rows r in NumPy."""
    model = learner.model
    v, mu, w, b = (
        x[0].detach().double().numpy() for x in (model.encode_w, model.encode_b, model.decode_w, model.decode_b)
    )
    return 1 / (1 + np.exp(-(r @ v + mu))) @ w.T + b


@pytest.mark.parametrize("rows", ["users", "items"])
def test_predictions_are_those_of_numpy(rows: str) -> None:
    learner = learner_of(rows)
    for epoch in range(3):
        learner.train_epoch(epoch + 1)
    y = forward(learner, ROWS[rows])
    expected = (y.T if rows == "items" else y).ravel()
    np.testing.assert_allclose(learner.predict(PAIRS), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rows", ["users", "items"])
def test_a_step_follows_the_objective(rows: str) -> None:
    learner = learner_of(rows, l2=0.7, optimizer="sgd", lr=1e-3)
    w, b, r = learner.model.decode_w[0], learner.model.decode_b[0], ROWS[rows]
    with torch.no_grad():
        b += 0.5  # at 0, a penalty of theirs would do nothing
    before = w.detach().double().numpy().copy()
    v, mu = (x[0].detach().double().numpy() for x in (learner.model.encode_w, learner.model.encode_b))
    error = np.where(r != 0, forward(learner, r) - r, 0)
    code = 1 / (1 + np.exp(-(r @ v + mu)))
    slope = (2 * error.T @ code + 0.7 * before) / len(PART)
    errors, counts = learner.train_epoch(1)
    assert errors.sum() == pytest.approx(np.square(error).sum(), rel=1e-5)
    assert counts.sum() == len(PART)
    # Far below what the penalty adds, up to 7e-5.
    np.testing.assert_allclose(w.detach().numpy(), before - 1e-3 * slope, rtol=0, atol=1e-6)
    np.testing.assert_allclose(b.detach().numpy(), 0.5 - 1e-3 * 2 * error.sum(0) / len(PART), rtol=0, atol=1e-6)


def test_adam_steps_by_the_one_learning_rate_in_every_epoch() -> None:
    learner = learner_of("users", lr=0.05)
    learner.train_epoch(100)
    # A first step of Adam's is the learning rate, whatever the gradient; the deep autoencoder's has halved five times.
    torch.testing.assert_close(learner.model.decode_b[0].abs(), torch.full((3,), 0.05), rtol=0, atol=1e-5)


def test_clipping_and_no_clipping() -> None:
    raw, clipped = (learner_of("items", clip=clip) for clip in (False, True))
    assert raw.predict(PAIRS).min() < 1
    np.testing.assert_array_equal(clipped.predict(PAIRS), raw.predict(PAIRS).clip(1, 5))
