"""Random search: settings sampled from a declared space, with the same number of trials for every model.

A few settings matter and it is not known which: random samples try a new value of each in every trial, where a
grid of the same size repeats them (Bergstra & Bengio, JMLR 2012). Validation decides; test is never read.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from deeprec.config.run_settings import Run
from deeprec.data.matrix import read_part, read_train
from deeprec.runtime.provenance import commit
from deeprec.settings.base import Space
from deeprec.training.loop import divergence_limit, train
from deeprec.training.runs import make_learner

log = logging.getLogger(__name__)


def sample_trials(spaces: dict[str, Space], n_trials: int, seed: int) -> list[dict[str, Any]]:
    """Return the settings of each trial."""
    rng = np.random.default_rng(seed)
    return [{name: _sample(rng, space) for name, space in spaces.items()} for _ in range(n_trials)]


def _sample(rng: np.random.Generator, space: Space) -> Any:
    [(kind, values)] = space.items()
    if kind == "choices":
        return values[rng.integers(len(values))]
    sampled = np.exp(rng.uniform(*np.log(values))) if kind == "log_uniform" else rng.uniform(*values)
    return float(f"{sampled:.3g}")  # what stands in the table is what was tried


def search_settings(
    run: Run, spaces: dict[str, Space], n_trials: int, seed: int, split: Path, device: torch.device
) -> pd.DataFrame:
    """Train `n_trials` variants of a run, each from the same seed, and return a row a trial.

    Columns: trial, the searched settings, valid_rmse (stars), best_epoch, seconds, status, commit.
    """
    matrix, valid = read_train(split, dated=run.settings.dated), read_part(split, "valid")
    rows = []
    for trial, changes in enumerate(sample_trials(spaces, n_trials, seed)):
        tried = run.with_settings(**changes).with_seed(seed)
        learner, limit = make_learner(tried, matrix, device), divergence_limit(matrix)
        progress = train(learner, valid, tried.settings.epochs, diverged_above=limit)
        row = {"trial": trial, **changes}
        row |= {"valid_rmse": np.nan if progress.diverged else progress.best_rmse, "best_epoch": progress.best_epoch}
        row |= {"seconds": progress.seconds, "status": "diverged" if progress.diverged else "finished"}
        rows.append({**row, "commit": commit()})
        log.info("%s trial %d: %s", run.name, trial, {k: v for k, v in row.items() if k != "trial"})
    return pd.DataFrame(rows)
