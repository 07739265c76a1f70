"""A toy data set with a trained run of every model, laid out as the pipeline does."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from deeprec.config.run_settings import Run, write_run
from deeprec.serving.loading import load
from deeprec.serving.recommender import Recommender
from deeprec.training.runs import train_run
from tests.conftest import run_of, write_split

RUNS = {
    "bias": run_of("bias", name="bias"),
    "pca": run_of("pca", name="pca", rank=3),
    "als": run_of("als", name="als", rank=3),
    "pmf": run_of("pmf", name="pmf", rank=3, epochs=10),
    "i_autorec": run_of("autorec", name="i_autorec", rows="items", hidden=4, epochs=10),
    "u_autorec": run_of("autorec", name="u_autorec", rows="users", hidden=4, epochs=10),
    "rrn": run_of("rrn", name="rrn", epochs=3),
    "deeprec": run_of(name="deeprec", hidden=[8, 4], epochs=5, lr=0.02),
}


def train(run: Run, dataset: Path) -> Path:
    """Train a run into the data set's folder; return the run's."""
    folder = dataset / "runs" / run.name / "seed_0"
    write_run(run, folder / "settings.yaml")
    options = {"state_path": None, "save_seconds": 1e9, "on_epoch": lambda progress: None}
    train_run(run, dataset / "splits" / "s", folder, device=torch.device("cpu"), **options)
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """results/toy with a split, titles and every run of RUNS."""
    folder = tmp_path_factory.mktemp("results") / "toy"
    split = write_split(folder / "splits" / "s")
    items = pd.read_parquet(split / "items.parquet")["item_id"]
    years = pd.Series(np.where(items == 1, np.nan, 1990 + items % 10))
    titles = pd.DataFrame({"item_id": items, "title": [f"Film {item}" for item in items], "year": years})
    titles.to_parquet(folder / "items.parquet")
    for run in RUNS.values():
        train(run, folder)
    return folder


@pytest.fixture(scope="session")
def loaded(dataset: Path) -> dict[str, Recommender]:
    """Every run's model."""
    return {name: load(dataset / "runs" / name / "seed_0") for name in RUNS}
