"""The authors' program beside ours, run by run, and whether both put the runs of an experiment in the same order."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from deeprec.evaluation.curves import Curves

Both = tuple[Curves, Curves]  # a run by the authors' program and by ours
SCORES = ("valid_rmse", "test_rmse")


def comparison_table(experiments: Mapping[str, list[Both]]) -> pd.DataFrame:
    """Return a row a run of each experiment: RMSE in stars, mean and deviation over seeds, on both sides.

    `difference` is ours less theirs on validation, `low` and `high` its 95 % interval (Welch's, since the two sides'
    deviations differ), `within` whether that holds 0: whether seeds alone may make the difference.
    """
    rows = []
    for experiment, runs in experiments.items():
        for theirs, ours in runs:
            row: dict[str, Any] = {"experiment": experiment, "label": ours.label, "run": ours.run}
            for side, curves in (("theirs", theirs), ("ours", ours)):
                row[f"{side}_diverged"] = curves.n_diverged
                for score in SCORES:
                    values = _finished(curves, score)
                    row[f"{side}_{score}_mean"] = values.mean() if len(values) else np.nan
                    row[f"{side}_{score}_sd"] = values.std(ddof=1) if len(values) > 1 else np.nan
                row[f"{side}_seconds"] = np.mean([m["seconds"] for m in curves.metrics])
            difference, low, high = welch(_finished(ours, "valid_rmse"), _finished(theirs, "valid_rmse"))
            row |= {"difference": difference, "low": low, "high": high, "within": bool(low <= 0 <= high)}
            rows.append(row)
    return pd.DataFrame(rows)


def _finished(curves: Curves, score: str) -> np.ndarray:
    values: np.ndarray = curves.scores(score)
    finite: np.ndarray = values[np.isfinite(values)]
    return finite


def welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Return the means' difference a - b and its 95 % interval; NaN for an interval of fewer than two values a side."""
    if not len(a) or not len(b):
        return np.nan, np.nan, np.nan
    difference = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return difference, np.nan, np.nan
    if a.std() == b.std() == 0:
        return difference, difference, difference
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return difference, float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Pair:
    """Two runs of an experiment: by how much the first is worse than the second on each side, stars."""

    experiment: str
    first: str
    second: str
    theirs: float
    ours: float
    clear: bool  # whether both sides' 95 % intervals leave out 0

    @property
    def agrees(self) -> bool:
        """Whether both sides put the two in the same order."""
        return bool(np.sign(self.theirs) == np.sign(self.ours))


def ordered_pairs(experiments: Mapping[str, list[Both]]) -> list[Pair]:
    """Return all pairs of runs of each experiment, by their best validation RMSE; one that always diverged is worst."""
    pairs = []
    for experiment, runs in experiments.items():
        for one, other in combinations(runs, 2):
            theirs, ours = (_worse(a, b) for a, b in zip(one, other, strict=True))
            clear = all(low > 0 or high < 0 for _, low, high in (theirs, ours))
            pairs.append(Pair(experiment, one[1].label, other[1].label, theirs[0], ours[0], clear))
    return pairs


def _worse(one: Curves, other: Curves) -> tuple[float, float, float]:
    a, b = _finished(one, "valid_rmse"), _finished(other, "valid_rmse")
    if len(a) and len(b):
        return welch(a, b)
    lost = float(np.inf * (bool(len(b)) - bool(len(a)))) if bool(len(a)) != bool(len(b)) else 0.0
    return lost, lost, lost
