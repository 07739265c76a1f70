"""Small ratings with a known structure, and the settings that tests start from."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml

from deeprec.config.run_settings import Run
from deeprec.data.matrix import RatingMatrix, rating_matrix
from deeprec.data.ratings import ratings_table, write_table
from deeprec.data.splits import split_ratings
from deeprec.runtime.files import ROOT, write_json
from deeprec.settings.models import MODELS
from deeprec.settings.splits import PerUserSplit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the workflow's tests: one worker has them all, for minutes, and would have them alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


@pytest.fixture(scope="session")
def config() -> dict:
    """The repository's config.yaml."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def run_of(model: str = "autoencoder", *, name: str = "r", seed: int | None = 0, **settings: Any) -> Run:
    """A run on the toy data set with its model's defaults but for some settings."""
    split = PerUserSplit(test_fraction=0.3, seed=0)
    return Run("toy", name, "s", split, MODELS[model](**settings), seed=seed)


def metrics_of(**changes: Any) -> dict[str, Any]:
    """A whole metrics.json, as `train_run` writes it, with some of it changed."""
    scores = {"status": "finished", "valid_rmse": 1.0, "test_rmse": 1.1, "best_epoch": 2, "epochs": 3, "seconds": 3.0}
    sizes = {"n": 4, "n_valid": 4, "n_train": 20, "n_parameters": 9, "peak_memory_bytes": 1_000_000, "threads": 1}
    return {**scores, **sizes, "commit": "c", "machine": "m", "versions": "v", **changes}


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
    return matrix.rows(torch.arange(matrix.n_rows)).dense()


def toy_ratings(n_users: int = 40, n_items: int = 25, seed: int = 0) -> pa.Table:
    """A ratings table with tastes to learn, on 60 days."""
    rng = np.random.default_rng(seed)
    taste, quality = rng.normal(size=(2, n_users, 3)), rng.normal(size=(3, n_items))
    user, item = np.nonzero(rng.random((n_users, n_items)) < 0.5)
    liking = (taste[0] @ quality)[user, item]
    rating = np.clip(np.round(3 + liking), 1, 5).astype(np.int8)
    day = rng.integers(12_000, 12_060, len(user)).astype(np.int32)
    ids = (user * 7 + 100).astype(np.int32), (item * 3 + 1).astype(np.int32)
    return ratings_table(*ids, rating, day, origin="toy")


def write_split(folder: Path) -> Path:
    """Write toy ratings, split per user, as `split_ratings` does; return the folder."""
    ratings = folder.with_name(f"{folder.name}_ratings.parquet")
    write_table(toy_ratings(), ratings)
    stats = split_ratings(ratings, folder, PerUserSplit(test_fraction=0.3, seed=0))
    write_json(folder / "stats.json", {"split": folder.name, **stats})
    return folder
