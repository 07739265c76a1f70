"""The benchmark of kills: what it takes for wrong in MLflow, and that its config is sound."""

import sqlite3
from pathlib import Path

import pytest

from deeprec.config.checks import load_plan


@pytest.fixture
def kills(benchmark):
    return benchmark("kill_reproduce")


def write_store(kills, path: Path, *, status: str = "FINISHED", again: bool = False, fewer: int = 0) -> None:
    """Write the tables that the check reads, with a run a seed."""
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE runs (run_uuid, status, lifecycle_stage)")
        store.execute("CREATE TABLE tags (run_uuid, key, value)")
        store.execute("CREATE TABLE metrics (run_uuid, key, step)")
        for seed in kills.SEEDS:
            store.execute("INSERT INTO runs VALUES (?, ?, 'active')", (seed, status))
            store.execute("INSERT INTO tags VALUES (?, 'deeprec.key', ?)", (seed, f"small/seed_{seed}"))
            steps = [*range(kills.EPOCHS - fewer), *([0] if again else [])]
            store.executemany("INSERT INTO metrics VALUES (?, 'valid/rmse', ?)", [(seed, step) for step in steps])
        store.execute("INSERT INTO runs VALUES ('old', 'KILLED', 'deleted')")
    store.close()


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, ""),
        ({"status": "RUNNING"}, "small/seed_0 is RUNNING"),
        ({"again": True}, "121 points of valid/rmse in 120 epochs"),
        ({"fewer": 1}, "119 points of valid/rmse in 119 epochs"),
    ],
)
def test_a_run_that_is_open_and_points_that_are_missing_or_doubled_are_faults(kills, tmp_path, options, fault):
    write_store(kills, tmp_path / "mlflow.db", **options)
    found = kills.faults_in_mlflow(tmp_path / "mlflow.db")
    assert fault in "; ".join(found) and bool(found) == bool(fault)


def test_a_second_run_of_a_training_is_a_fault(kills, tmp_path):
    write_store(kills, tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        store.execute("INSERT INTO runs VALUES ('twice', 'FINISHED', 'active')")
    store.close()
    assert kills.faults_in_mlflow(tmp_path / "mlflow.db") == ["MLflow: 3 runs"]


def test_its_config_is_sound(kills):
    assert list(load_plan(kills.small_config()).runs) == ["small"]
