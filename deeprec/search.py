"""Random search: settings drawn from a declared space, with the same number of trials for every model.

A few settings matter and it is not known which: random draws try a new value of each in every trial, where a
grid of the same size repeats them (Bergstra & Bengio, JMLR 2012). Validation decides; test is never read.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from deeprec.matrix import read_part, read_train
from deeprec.provenance import commit
from deeprec.runs import DATED, make_learner
from deeprec.training import train

log = logging.getLogger(__name__)

Space = dict[str, dict[str, list[Any]]]  # setting -> {"log_uniform" or "uniform": [low, high], or "choices": [...]}


def draw_trials(space: Space, n_trials: int, seed: int) -> list[dict[str, Any]]:
    """Return the settings that each trial draws."""
    rng = np.random.default_rng(seed)
    return [{name: _draw(rng, among) for name, among in space.items()} for _ in range(n_trials)]


def _draw(rng: np.random.Generator, among: dict[str, list[Any]]) -> Any:
    [(kind, values)] = among.items()
    if kind == "choices":
        return values[rng.integers(len(values))]
    drawn = np.exp(rng.uniform(*np.log(values))) if kind == "log_uniform" else rng.uniform(*values)
    return float(f"{drawn:.3g}")  # what stands in the table is what was tried


def search_settings(
    settings: dict[str, Any], space: Space, n_trials: int, seed: int, split: Path, device: torch.device
) -> pd.DataFrame:
    """Train `n_trials` variants of a run, each from the same seed, and return a row a trial.

    Columns: trial, the space's settings, valid_rmse (stars), best_epoch, seconds, status, commit.
    """
    matrix, valid = read_train(split, dated=settings["model"] in DATED), read_part(split, "valid")
    rows = []
    for trial, changes in enumerate(draw_trials(space, n_trials, seed)):
        tried = {**settings, **changes, "seed": seed}
        progress = train(make_learner(tried, matrix, device), valid, tried["epochs"])
        row = {"trial": trial, **{name: tried[name] for name in space}}
        row |= {"valid_rmse": np.nan if progress.diverged else progress.best_rmse, "best_epoch": progress.best_epoch}
        row |= {"seconds": progress.seconds, "status": "diverged" if progress.diverged else "finished"}
        rows.append({**row, "commit": commit()})
        log.info("%s trial %d: %s", settings["run"], trial, {k: v for k, v in row.items() if k != "trial"})
    return pd.DataFrame(rows)
