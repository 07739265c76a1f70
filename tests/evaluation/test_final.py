"""The final table: pooled over seeds, and a lead that is called one only with confidence."""

import pandas as pd
import pytest

from deeprec.config.plan import FinalTable
from deeprec.evaluation.final import final_table

FINAL = FinalTable(
    models={"A": "a", "B": "b"},
    splits=["all", "3m"],
    main_split="all",
    tuned=0,
    runs={"A": {"all": "a", "3m": "a_3m"}, "B": {"all": "b", "3m": "b_3m"}},
    paper={"B": {"3m": 0.9, "full": 0.8}},
)


def trainings(**runs: list[float | None]) -> pd.DataFrame:
    """A row a run and seed; None is a diverged training."""
    return pd.DataFrame(
        [
            {
                "run": run, "seed": seed, "status": "diverged" if rmse is None else "finished", "test_rmse": rmse,
                "seconds": 2.0, "added_memory_bytes": 1000 * (3 - seed), "n_train": 10, "n": 7,
            }
            for run, scores in runs.items()
            for seed, rmse in enumerate(scores)
        ]
    )  # fmt: skip


def table_of(a: list[float | None], b: list[float | None]) -> pd.DataFrame:
    return final_table(FINAL, trainings(a=a, b=b, a_3m=b, b_3m=a)).set_index("model")


def test_a_row_a_model_with_every_split():
    table = table_of([1.0, 1.2, 1.4], [1.1, 1.3, 1.5])
    assert list(table.index) == ["A", "B"]
    assert (table.loc["A", "rmse_all"], table.loc["A", "sd_all"]) == pytest.approx((1.2, 0.2))
    assert table.loc["B", "rmse_3m"] == pytest.approx(1.2) and table.loc["B", "paper_3m"] == 0.9
    assert table["paper_all"].isna().all() and "paper_full" not in table
    assert (table.loc["A", "seconds"], table.loc["A", "bytes"]) == (2.0, 300.0)
    assert (table.loc["A", "n_test_3m"], table.loc["A", "n_train_3m"]) == (7, 10)


def test_a_lead_that_every_seed_shares_is_one():
    """Seeds move both sides far more than the lead, which is judged pair by pair."""
    table = table_of([1.0, 1.2, 1.4], [1.1, 1.301, 1.499])
    assert table["best_all"].to_dict() == {"A": True, "B": False}
    assert table["best_3m"].to_dict() == {"A": False, "B": True}
    assert table_of([1.0, 1.2], [1.1, 1.3001])["best_all"].to_dict() == {"A": True, "B": False}  # two seeds are enough


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1.0, 1.2, 1.4], [1.3, 1.21, 1.3]),
        ([1.0, 1.2], [1.0, 1.2]),
        ([1.0], [1.1]),
        ([1.0, None], [1.1, 1.1]),
        ([None, None], [1.1, 1.1]),
    ],
    ids=["seeds disagree", "the same numbers", "one seed", "one shared seed", "all diverged"],
)
def test_no_lead_without_confidence(a, b):
    assert not table_of(a, b)["best_all"].any()


def test_diverged_seeds_are_counted_and_left_out():
    table = table_of([1.0, None, 1.2], [1.1, 1.3, 1.5])
    assert table.loc["A", "rmse_all"] == pytest.approx(1.1) and table.loc["A", "diverged_all"] == 1
    assert pd.isna(table_of([None, None], [1.0, 1.1]).loc["A", "rmse_all"])


def test_ranking_stands_beside_where_it_was_measured():
    measured = trainings(a=[1.0, 1.2], b=[1.1, None], a_3m=[1.0, 1.0], b_3m=[1.0, 1.0])
    measured["ndcg_10"], measured["recall_10"] = [0.2, 0.4, 0.1, None, 0.3, 0.3, 0.3, 0.3], 0.5
    table = final_table(FINAL, measured).set_index("model")
    assert table["ndcg_10_all"].to_dict() == pytest.approx({"A": 0.3, "B": 0.1})
    assert table.loc["B", "recall_10_3m"] == 0.5
    assert not [name for name in table_of([1.0], [1.1]) if "ndcg" in name or "recall" in name]
