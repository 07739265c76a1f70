"""A search as Optuna knows it: the spaces as it samples them, and the study that a table of trials tells of."""

import json
from collections.abc import Mapping
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from deeprec.settings.base import Space

DIGITS = 3  # of a number that is tried, so that what a page shows is what was tried


def distributions_of(spaces: Mapping[str, Space]) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each space."""
    return {name: _distribution(space) for name, space in spaces.items()}


def _distribution(space: Space) -> BaseDistribution:
    [(kind, values)] = space.items()
    if kind == "choices":
        return CategoricalDistribution([_named(value) for value in values])
    return FloatDistribution(float(values[0]), float(values[1]), log=kind == "log_uniform")


def _named(value: Any) -> Any:
    # Optuna keeps no lists; numbers stay as they are, since its figures put them in order.
    return json.dumps(value) if isinstance(value, list | dict) else value


def settings_of(params: Mapping[str, Any], spaces: Mapping[str, Space]) -> dict[str, Any]:
    """Return the settings to train with for what Optuna sampled: choices themselves, numbers to 3 digits."""
    return {name: _setting(params[name], space) for name, space in spaces.items()}


def _setting(sampled: Any, space: Space) -> Any:
    [(kind, values)] = space.items()
    if kind == "choices":
        return next(value for value in values if _named(value) == sampled)
    low, high = float(values[0]), float(values[1])
    return min(max(float(f"{sampled:.{DIGITS}g}"), low), high)  # an end of the range may have more digits


def study_of(trials: pd.DataFrame, spaces: Mapping[str, Space]) -> optuna.Study:
    """Return the study that a table of trials (`read_trials`) tells of, for Optuna's own figures."""
    study, distributions = optuna.create_study(), distributions_of(spaces)
    for _, row in trials.iterrows():
        complete = row["state"] == "complete"
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE if complete else TrialState.PRUNED,
                value=float(row["valid_rmse"]) if complete else None,
                params={name: _named(row[name]) for name in spaces},
                distributions=distributions,
            )
        )
    return study
