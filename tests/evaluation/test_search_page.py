"""The page about the searches says what was chosen, and of what."""

import re

import pandas as pd
import yaml

from deeprec.config.plan_files import TuningPlan
from deeprec.evaluation.search_page import render_tuning

SPACES = {
    "als": {"rank": {"choices": [4, 8, 16]}, "l2": {"log_uniform": [1e-6, 1]}},
    "mine": {"hidden": {"choices": [[4], [4, 3]]}, "center": {"choices": [True, False]}},
}
PLAN = TuningPlan(dataset="toy", title="Toy ratings", main_split="last30", spaces=SPACES, trials=3, seed=0)
STATS = {"train": {"n_ratings": 69575}, "valid": {"n_ratings": 15130}}
NAN = float("nan")


def trials(*rmse: float, **settings: list) -> pd.DataFrame:
    """Three trials; one that has no RMSE diverged, and the last of the others was cut short."""
    states = ["diverged" if pd.isna(value) else "complete" for value in rmse]
    outcome = {"valid_rmse": rmse, "best_epoch": 5, "epochs": 10, "seconds": [20.0, 30.0, 5.0], "state": states}
    settings = settings or {"rank": [8, 4, 16], "l2": [0.145, 0.0000158, 0.9]}
    return pd.DataFrame({"trial": range(3), **settings, **outcome, "commit": "abc"}).astype(
        dict.fromkeys(settings, object)
    )


def test_the_best_trial_is_chosen_and_the_budget_told():
    page = render_tuning({"als": trials(0.98, 0.97, NAN)}, PLAN, STATS)
    assert "| als | 0.97 | 1 | rank 4, l2 1.58e-05 | 3 | 0 | 1 | 30 | 55 |" in page
    assert "69,575 training ratings, and 15,130 validation" in page and "commit abc" in page and "3 trials" in page
    assert page.index("| 1 | 4 | 1.58e-05 | 0.97 |") < page.index("| 0 | 8 | 0.145 | 0.98 |")


def test_trials_that_were_cut_short_are_counted():
    table = trials(0.98, 0.97, 0.99)
    table.loc[2, "state"] = "pruned"
    assert "| 3 | 1 | 0 | 30 | 55 |" in render_tuning({"als": table}, PLAN, STATS)


def test_what_was_chosen_can_be_pasted_as_it_stands():
    searches = {
        "als": trials(0.98, 0.97, NAN),
        "mine": trials(0.9, 0.8, 0.7, hidden=[[4], [4], [4, 3]], center=[True, True, False]),
    }
    [snippet] = re.findall(r"```yaml\n(.*?)```", render_tuning(searches, PLAN, STATS), re.S)
    chosen = {"als": {"rank": 4, "l2": 0.0000158}, "mine": {"hidden": [4, 3], "center": False}}
    assert yaml.safe_load(snippet) == {"runs": chosen}


def test_a_model_that_always_diverged_has_no_choice():
    page = render_tuning({"als": trials(NAN, NAN, NAN)}, PLAN, STATS)
    assert "| als | – | – | every trial diverged | 3 | 0 | 3 | – | 55 |" in page and "runs: {}" in page
