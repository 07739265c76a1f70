"""The page about the searches says what was chosen, and of what."""

import pandas as pd

from deeprec.config.plan_files import TuningPlan
from deeprec.evaluation.search_page import render_tuning

PLAN = TuningPlan(dataset="toy", title="Toy ratings", main_split="last30", trials=3, seed=0)
STATS = {"train": {"n_ratings": 69575}, "valid": {"n_ratings": 15130}}


def trials(*rmse: float | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trial": range(len(rmse)),
            "rank": [8, 4, 16],
            "valid_rmse": rmse,
            "best_epoch": 5,
            "seconds": 20.0,
            "status": ["diverged" if pd.isna(value) else "finished" for value in rmse],
            "commit": "abc",
        }
    )


def test_the_best_trial_is_chosen_and_the_budget_told():
    page = render_tuning({"als": trials(0.98, 0.97, float("nan"))}, PLAN, STATS)
    assert "| als | 0.97 | 1 | rank 4 | 3 | 1 | 60 |" in page
    assert "69,575 training ratings, and 15,130 validation" in page and "commit abc" in page and "3 trials" in page
    assert page.index("| 1 | 4 | 0.97 |") < page.index("| 0 | 8 | 0.98 |")


def test_a_model_that_always_diverged_has_no_choice():
    assert "| als | – | – | every trial diverged | 3 | 3 | 60 |" in render_tuning(
        {"als": trials(*[float("nan")] * 3)}, PLAN, STATS
    )
