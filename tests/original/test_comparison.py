"""The two programs beside each other: differences, their intervals, and the order of runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deeprec.evaluation.curves import Curves
from deeprec.original.comparison import comparison_table, ordered_pairs, welch
from deeprec.original.page import original_page, same_work, sentences
from tests.conftest import metrics_of


def curves(label, *rmse):
    rows = [metrics_of(valid_rmse=x, test_rmse=x and x + 0.1, status="finished" if x else "diverged") for x in rmse]
    return Curves(label, f"run_{label}", metrics=rows)


def both(label, theirs, ours):
    return curves(label, *theirs), curves(label, *ours)


STEPS = pd.DataFrame({"epoch": 1, "step": [1, 0], "apart": [0.0, 1e-7]})
EXPERIMENTS = {
    "depth": [
        both("2", (1.10, 1.11, 1.12), (1.105, 1.115, 1.12)),
        both("4", (1.00, 1.01, 1.02), (0.90, 0.901, 0.902)),
        both("6", (1.005, 1.009, 1.0), (1.3, 1.31, 1.32)),
        both("8", (None, None, None), (None, None, 1.5)),
    ]
}


def test_the_table_says_what_seeds_make():
    table = comparison_table(EXPERIMENTS).set_index("label")
    assert table["within"].to_dict() == {"2": True, "4": False, "6": False, "8": False}
    assert table.loc["4", "difference"] == pytest.approx(0.901 - 1.01)
    assert table.loc["4", "theirs_test_rmse_mean"] == pytest.approx(1.11)
    assert table.loc["8", "theirs_diverged"] == 3 and table.loc["8", "ours_diverged"] == 2
    assert np.isnan(table.loc["8", "difference"])


def test_the_interval_is_welchs():
    a, b = np.array([1.0, 1.1, 1.3]), np.array([0.9, 0.91, 0.92])
    # By hand: Satterthwaite's degrees of freedom.
    u, v = a.var(ddof=1) / 3, b.var(ddof=1) / 3
    half = stats.t.ppf(0.975, (u + v) ** 2 / (u**2 / 2 + v**2 / 2)) * np.sqrt(u + v)
    assert welch(a, b) == pytest.approx((a.mean() - b.mean(), a.mean() - b.mean() - half, a.mean() - b.mean() + half))
    assert np.isnan(welch(a[:1], b)[1:]).all()
    assert welch(np.ones(2), np.zeros(2)) == (1.0, 1.0, 1.0)


def test_pairs_are_ordered_by_means_and_a_lost_run_is_worst():
    pairs = {(pair.first, pair.second): pair for pair in ordered_pairs(EXPERIMENTS)}
    assert len(pairs) == 6
    assert pairs["2", "4"].agrees and pairs["2", "4"].theirs == pytest.approx(0.1)
    assert not pairs["2", "6"].agrees and pairs["2", "6"].clear
    assert not pairs["4", "6"].agrees and not pairs["4", "6"].clear  # theirs cannot tell the two apart
    assert pairs["2", "8"].agrees and pairs["2", "8"].theirs == -np.inf


def test_the_page_says_it_in_words():
    pairs = ordered_pairs(EXPERIMENTS)
    said = " ".join(sentences(pairs))
    assert "order 4 of 6 pairs of runs alike" in said and "depth 4 of 6" in said
    assert "Beyond chance on both sides they differ on 1: depth: 2 less 6 is +0.1053 by theirs" in said
    work = same_work({"a": STEPS, "b": STEPS.assign(apart=[0.0, 3e-6])})
    page = original_page("Toy", "9 ratings", comparison_table(EXPERIMENTS), pairs, work, "X", "Made.")
    assert "all 2 runs have the same loss at each of 1 steps or more" in page and "to 3.0e-06 of its size" in page
    assert "1 of 4 runs lie within" in page
    assert "](figures/depth.png)" in page
    assert "| depth · 8 | – (3 diverged) |" in page


def test_pairs_that_chance_orders_are_called_so():
    experiments = {"e": [both("a", (1.0, 1.2), (1.1, 1.3)), both("b", (1.05, 1.2), (1.1, 1.2))]}
    assert "none is ordered beyond chance" in sentences(ordered_pairs(experiments))[1]
    assert isinstance(comparison_table(experiments), pd.DataFrame)
