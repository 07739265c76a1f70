"""PCA, against NumPy's SVD of the dense matrix."""

import numpy as np
import pytest
import torch

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.models.pca import PcaLearner, PcaSettings
from deeprec.runtime.files import InputError

CPU = torch.device("cpu")
N_USERS, N_ITEMS = 50, 30


def low_rank_matrix() -> RatingMatrix:
    """Return ratings of three taste factors and a little noise, two in three known."""
    rng = np.random.default_rng(1)
    stars = 3 + rng.normal(size=(N_USERS, 3)) @ rng.normal(size=(3, N_ITEMS)) + rng.normal(0, 0.1, (N_USERS, N_ITEMS))
    user, item = np.nonzero(rng.random(stars.shape) < 0.67)
    return rating_matrix(
        user.astype(np.int32), item.astype(np.int32), stars[user, item].astype(np.float32), N_USERS, N_ITEMS
    )


def every_pair() -> Part:
    user, item = (grid.ravel().astype(np.int32) for grid in np.mgrid[:N_USERS, :N_ITEMS])
    return Part(user, item, np.zeros(len(user), np.float32))


def fitted(rank: int, epochs: int, seed: int = 0) -> PcaLearner:
    torch.manual_seed(seed)
    learner = PcaLearner(PcaSettings(rank=rank, clip=False, epochs=epochs), low_rank_matrix(), CPU)
    for epoch in range(epochs):
        learner.train_epoch(epoch + 1)
    return learner


@pytest.mark.parametrize("rank", [1, 3, N_ITEMS])
def test_agrees_with_numpy(rank: int) -> None:
    learner, matrix = fitted(rank, epochs=60), low_rank_matrix()
    rows = matrix.rows(torch.arange(N_USERS)).dense().double().numpy()
    bias = learner.w["mean"].item() + learner.w["user_bias"].numpy()[:, None] + learner.w["item_bias"].numpy()[None, :]
    residual = np.where(rows != 0, rows - bias, 0)
    u, s, vt = np.linalg.svd(residual, full_matrices=False)
    expected = bias + (u[:, :rank] * s[:rank]) @ vt[:rank]
    np.testing.assert_allclose(learner.predict(every_pair()), expected.ravel(), atol=1e-4)


def test_neither_seed_nor_repetition_changes_the_answer() -> None:
    first = fitted(3, epochs=30).predict(every_pair())
    np.testing.assert_array_equal(fitted(3, epochs=30).predict(every_pair()), first)
    np.testing.assert_allclose(fitted(3, epochs=30, seed=7).predict(every_pair()), first, atol=1e-4)


def test_refuses_more_vectors_than_the_matrix_has() -> None:
    with pytest.raises(InputError, match=r"rank 31 of a matrix of 50 users × 30 items; expected at most 30"):
        fitted(31, epochs=1)
