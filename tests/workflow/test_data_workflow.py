"""The data rules, run by Snakemake: the plan for Netflix, and ratings from nothing to splits."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from deeprec.runtime.files import ROOT, read_json

pytestmark = pytest.mark.workflow


def snakemake(folder: Path, changes: dict, *arguments: str) -> subprocess.CompletedProcess:
    """Run the workflow in a folder of its own, with some of the config changed."""
    changed = folder / "changed.yaml"
    changed.write_text(yaml.safe_dump(changes), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--cores", "2", "--configfile", ROOT / "config.yaml", changed, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_plan_for_netflix_needs_no_download(tmp_path: Path) -> None:
    done = snakemake(tmp_path, {"dataset": "netflix"}, "--dry-run")
    assert done.returncode == 0, done.stderr
    jobs = [line.split() for line in done.stdout.splitlines()]
    for rule, count in {
        "download_ratings": 1,
        "parse_ratings": 1,
        "split_ratings": 4,
        "audit_splits": 1,
    }.items():
        assert [rule, str(count)] in jobs, done.stdout
    assert not (tmp_path / "results").exists()


def test_simulated_ratings_are_made_split_and_audited(tmp_path: Path) -> None:
    size = {"n_ratings": 30_000, "n_users": 500, "n_items": 300}
    counts = {"ratings": 5, "users": 5, "items": 5}
    audit = {"full": {"train": counts, "test": counts}}
    changes = {"dataset": "simulated", "datasets": {"simulated": {**size, "audit": audit}}}
    done = snakemake(tmp_path, changes, "--", "results/simulated/tables/audit.csv")
    assert done.returncode == 1
    assert "6 of 6 counts differ from the published ones" in done.stderr
    results = tmp_path / "results" / "simulated"
    assert not (results / "tables" / "audit.csv").exists()
    assert pq.read_metadata(results / "ratings.parquet").num_rows == 30_000
    stats = read_json(results / "splits" / "full" / "stats.json")
    assert stats["train"]["last_date"] == "2005-11-30"
    assert stats["interval"]["first_date"] == "2005-12-01"
    assert read_json(results / "raw" / "simulation.json")["noise_floor_rmse"] > 0.5


def test_csv_of_names_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("who,what,stars,day\nzoe,Heat,4,2005-02-01\nadam,Alien,5,2005-01-31\n")
    columns = {"user": "who", "item": "what", "rating": "stars", "date": "day"}
    mine = {"title": "Mine", "source": "csv", "path": "mine.csv", "columns": columns, "main_split": "s"}
    mine |= {"split_seed": 0, "splits": {"s": {"kind": "per_user", "test_fraction": 0.5}}}
    done = snakemake(tmp_path, {"dataset": "mine", "datasets": {"mine": mine}}, "--", "results/mine/users.parquet")
    assert done.returncode == 0, done.stderr
    names = pq.read_table(tmp_path / "results" / "mine" / "users.parquet").to_pylist()
    assert names == [{"user_id": 1, "name": "adam"}, {"user_id": 2, "name": "zoe"}]
