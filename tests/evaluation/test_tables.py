"""Tables: pooled over seeds as they say."""

import pandas as pd
import pytest

from deeprec.config.run_settings import write_run
from deeprec.evaluation.tables import collect_trainings, datasets_table, results_table, write_csv
from deeprec.runtime.files import write_json
from deeprec.settings.audit import AuditedSplit
from tests.conftest import metrics_of, run_of


def training(run: str, seed: int, valid: float | None, **more) -> dict:
    return {
        "run": run,
        "seed": seed,
        "model": "autoencoder",
        "split": "s",
        "status": "diverged" if valid is None else "finished",
        "valid_rmse": valid,
        "test_rmse": valid,
        "best_epoch": 3,
        "seconds": 2.0,
        "n_parameters": 10,
        "n_train": 5,
        "n_valid": 4,
        "n": 4,
        "peak_memory_bytes": 2e6,
        "commit": "c",
        **more,
    }


def test_mean_and_deviation_over_the_seeds_that_finished():
    rows = [training("a", 0, 1.0), training("a", 1, 1.2), training("a", 2, None), training("b", 0, 0.9)]
    table = results_table(pd.DataFrame(rows), {"valid": {"a": 0.95}, "test": {"b": 0.8}}).set_index("run")
    assert table.loc["a", "valid_rmse_mean"] == pytest.approx(1.1)
    assert table.loc["a", "valid_rmse_sd"] == pytest.approx(0.2 / 2**0.5)
    assert (table.loc["a", "n_seeds"], table.loc["a", "n_diverged"]) == (3, 1)
    assert table.loc["a", "valid_gap"] == pytest.approx(0.15)
    assert pd.isna(table.loc["b", "valid_rmse_sd"]) and pd.isna(table.loc["b", "valid_gap"])
    assert table.loc["b", "test_gap"] == pytest.approx(0.1) and pd.isna(table.loc["a", "test_gap"])
    assert list(table.index) == ["a", "b"]


def test_run_that_always_diverged_has_no_score():
    table = results_table(pd.DataFrame([training("a", 0, None)]), {"valid": {}, "test": {}})
    assert pd.isna(table["valid_rmse_mean"][0]) and table["n_diverged"][0] == 1


def test_trainings_are_read_with_their_settings(tmp_path):
    folder = tmp_path / "runs" / "a" / "seed_4"
    write_json(folder / "metrics.json", metrics_of(valid_rmse=1.0))
    write_run(run_of("als", name="a", seed=4), folder / "settings.yaml")
    [row] = collect_trainings([folder / "metrics.json"]).to_dict("records")
    assert (row["run"], row["seed"], row["model"], row["valid_rmse"]) == ("a", 4, "als", 1.0)


def test_datasets_table_has_a_row_a_part(tmp_path):
    part = {"n_ratings": 7, "n_users": 3, "n_items": 2, "first_date": "2005-01-01", "last_date": "2005-02-01"}
    write_json(
        tmp_path / "stats.json",
        {
            "split": "3m",
            **dict.fromkeys(["train", "valid", "test", "interval"], part),
            "n_unseen": 5,
            "n_unseen_users": 2,
            "n_unseen_items": 1,
            "n_tied": 4,
        },
    )
    counts = {"ratings": 8, "users": 3, "items": 2}
    expected = {"3m": AuditedSplit(train=counts, test=counts)}
    table = datasets_table("toy", [tmp_path / "stats.json"], expected)
    assert list(table["part"]) == ["train", "valid", "test", "interval"] and set(table["n_ratings"]) == {7}
    # The paper's "test" is the whole interval; nothing is published of the other parts here.
    assert table.set_index("part")["published_ratings"].dropna().to_dict() == {"train": 8, "interval": 8}
    whole = table[["n_unseen", "n_unseen_users", "n_unseen_items", "n_tied"]]
    assert whole.iloc[3].tolist() == [5, 2, 1, 4] and whole.iloc[:3].isna().all(axis=None)
    assert datasets_table("toy", [tmp_path / "stats.json"], {})["published_ratings"].isna().all()


def test_csv_appears_whole(tmp_path):
    write_csv(pd.DataFrame({"x": [1 / 3]}), tmp_path / "t" / "x.csv")
    assert (tmp_path / "t" / "x.csv").read_text() == "x\n0.333333\n"
