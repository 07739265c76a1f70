"""The table of a search's trials, with the settings as they were tried."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from deeprec.runtime.files import reading
from deeprec.settings.base import Space

NEEDED = ("valid_rmse",)


def label(value: Any) -> str:
    """Return a setting in words: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def labelled(settings: Mapping[str, Any], spaces: Mapping[str, Space]) -> dict[str, Any]:
    """Return settings as they stand in the table: numbers of a range, and choices in words."""
    return {name: label(value) if "choices" in spaces[name] else value for name, value in settings.items()}


def read_trials(path: Path, spaces: Mapping[str, Space]) -> pd.DataFrame:
    """Read the table of `search_settings`, its settings with their own types again."""
    choices = {name: space["choices"] for name, space in spaces.items() if "choices" in space}
    with reading(path, f"the trials of a search: {', '.join(NEEDED)}"):
        table = pd.read_csv(path, dtype=dict.fromkeys(choices, str), keep_default_na=False, na_values=[""])
        for name in (*NEEDED, *spaces):
            table[name]
    for name, values in choices.items():
        table[name] = table[name].map({label(value): value for value in values}).astype(object)
    return table


def chosen_settings(trials: pd.DataFrame, spaces: Mapping[str, Space]) -> dict[str, Any]:
    """Return the searched settings of the best trial of `read_trials`, none where every trial diverged."""
    if trials["valid_rmse"].isna().all():
        return {}
    best = trials.iloc[trials["valid_rmse"].argmin()]
    return {name: best[name] if "choices" in space else float(best[name]) for name, space in spaces.items()}
