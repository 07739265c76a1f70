"""The comparison of two results folders: what is measured may differ, nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from deeprec.runtime.files import ROOT, write_json


@pytest.fixture
def results(tmp_path) -> Path:
    """A run and a table, as small as they can be."""
    run = tmp_path / "a" / "runs" / "r" / "seed_0"
    run.mkdir(parents=True)
    pd.DataFrame({"prediction": [1.5, float("nan")]}).astype("float32").to_parquet(run / "predictions.parquet")
    pd.DataFrame({"valid_rmse": [1.1], "seconds": [3.0]}).to_parquet(run / "history.parquet")
    write_json(run / "metrics.json", {"test_rmse": 1.0, "commit": "abc"})
    (tmp_path / "a" / "tables").mkdir()
    (tmp_path / "a" / "tables" / "final.csv").write_text("model,rmse_s,seconds\nALS,0.97,1.5\n")
    return tmp_path / "a"


def compare(before: Path, after: Path) -> tuple[int, str]:
    command = [sys.executable, ROOT / "benchmarks" / "compare_results.py", before, after]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


def copy_with(results: Path, name: str, change) -> Path:
    copy = Path(shutil.copytree(results, results.with_name("b")))
    change(copy / name)
    return copy


def test_what_is_measured_may_differ(results):
    table = "tables/final.csv"
    copy = copy_with(results, table, lambda path: path.write_text("model,rmse_s,seconds\nALS,0.97,9.9\n"))
    assert compare(results, copy) == (0, "4 files compared, 0 differ\n")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("tables/final.csv", lambda p: p.write_text("model,rmse_s,seconds\nALS,0.970,1.5\n"), "values of rmse_s"),
        ("tables/final.csv", lambda p: p.write_text("model,rmse_t,seconds\nALS,0.97,1.5\n"), "columns rmse_s, rmse_t"),
        ("tables/final.csv", lambda p: p.unlink(), "missing: "),
        (
            "runs/r/seed_0/predictions.parquet",
            lambda p: pd.read_parquet(p).assign(prediction=lambda x: x + x * 1.2e-7).to_parquet(p),
            "values of prediction",
        ),
        ("runs/r/seed_0/history.parquet", lambda p: pd.concat([pd.read_parquet(p)] * 2).to_parquet(p), "1 and 2 rows"),
        ("runs/r/seed_0/metrics.json", lambda p: write_json(p, {"test_rmse": 1.1}), "values of test_rmse"),
    ],
)
def test_anything_else_is_told(results, name, change, words):
    status, said = compare(results, copy_with(results, name, change))
    assert status == 1 and said.startswith(f"{name}: {words}") and said.endswith("4 files compared, 1 differ\n")


def test_two_empty_folders_prove_nothing(tmp_path):
    assert compare(tmp_path, tmp_path)[0] == 1
