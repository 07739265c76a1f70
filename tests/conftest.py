"""Small ratings with a known structure, and the settings that tests start from."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from deeprec.matrix import RatingMatrix, rating_matrix

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def config() -> dict:
    """The repository's config.yaml."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture(scope="session")
def defaults(config) -> dict:
    """An autoencoder's settings, as config.yaml gives them."""
    return config["models"]["autoencoder"]


def random_matrix(n_users: int = 30, n_items: int = 20, density: float = 0.3, seed: int = 0) -> RatingMatrix:
    """Whole-star ratings at random, at least one a user."""
    rng = np.random.default_rng(seed)
    rated = rng.random((n_users, n_items)) < density
    rated[np.arange(n_users), rng.integers(0, n_items, n_users)] = True
    user, item = np.nonzero(rated)
    rating = rng.integers(1, 6, len(user)).astype(np.int8)
    return rating_matrix(user.astype(np.int32), item.astype(np.int32), rating, n_users, n_items)


def all_rows(matrix: RatingMatrix) -> torch.Tensor:
    """The whole matrix, dense."""
    return matrix.rows(torch.arange(matrix.n_users)).dense()
