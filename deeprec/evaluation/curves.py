"""A run's trainings as a figure needs them: curves and metrics of every seed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deeprec.evaluation.tables import read_metrics, read_parquet

HISTORY = ("epoch", "step", "train_rmse", "valid_rmse", "seconds")  # what figures need of a history


@dataclass(frozen=True)
class Curves:
    """A run's trainings, one a seed: histories by epoch, training curves by step, and metrics."""

    label: str
    run: str
    histories: list[pd.DataFrame] = field(default_factory=list)
    steps: list[pd.DataFrame] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def n_diverged(self) -> int:
        """How many seeds diverged."""
        return sum(metrics["status"] == "diverged" for metrics in self.metrics)

    def scores(self, column: str) -> np.ndarray:
        """Return a metric of each seed, (n_seeds,); NaN where it diverged."""
        return np.array([np.nan if m["status"] == "diverged" else m[column] for m in self.metrics], float)


def read_curves(label: str, run: str, folders: list[Path]) -> Curves:
    """Read a run's trainings from their folders, one a seed."""
    return Curves(
        label,
        run,
        histories=[read_parquet(folder / "history.parquet", *HISTORY) for folder in folders],
        steps=[read_parquet(folder / "steps.parquet", "step", "train_rmse") for folder in folders],
        metrics=[read_metrics(folder / "metrics.json") for folder in folders],
    )
