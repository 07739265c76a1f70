"""The audit of the splits' counts, as a table and as the rule runs it."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from deeprec.config.run_settings import to_yaml
from deeprec.data.audit import audit_table, differences, published
from deeprec.evaluation.tables import datasets_table
from deeprec.runtime.files import ROOT, InputError, write_json, write_text
from deeprec.settings.audit import AuditedSplit

COUNTS = {
    "full": {
        "train": {"ratings": 100, "users": 10, "items": 5},
        "test": {"ratings": 20, "users": 9, "items": 4},
    }
}
EXPECTED = {split: AuditedSplit(**parts) for split, parts in COUNTS.items()}


def write_stats(path: Path, **changes: int) -> Path:
    """Write stats.json as `split_ratings` does; valid and test alone have other counts than the interval."""
    counts = {
        "train": {"n_ratings": 100, "n_users": 10, "n_items": 5},
        "valid": {"n_ratings": 8, "n_users": 6, "n_items": 3},
        "test": {"n_ratings": 12, "n_users": 7, "n_items": 4},
        "interval": {"n_ratings": 20, "n_users": 9, "n_items": 4, **changes},
    }
    write_json(path, {"split": "full", **counts})
    return path


def audit(folder: Path, action: str) -> subprocess.CompletedProcess:
    write_text(folder / "audit.yaml", to_yaml({"expected": COUNTS, "action": action}))
    command = [
        sys.executable, "scripts/audit_splits.py", "--stats", folder / "stats.json", "--plan", folder / "audit.yaml",
        "--out", folder / "audit.csv",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})


def test_all_six_numbers_are_compared(tmp_path: Path) -> None:
    table = audit_table([write_stats(tmp_path / "stats.json")], EXPECTED)
    assert len(table) == 6
    assert table["expected"].tolist() == table["found"].tolist() == [100, 10, 5, 20, 9, 4]
    assert differences(table) is None


@pytest.mark.parametrize("count", ["n_ratings", "n_users", "n_items"])
def test_any_difference_shows(count: str, tmp_path: Path) -> None:
    table = audit_table([write_stats(tmp_path / "stats.json", **{count: 1_234_567})], EXPECTED)
    text = differences(table)
    assert text.startswith("1 of 6 counts differ from the published ones")
    assert "1,234,567" in text


def test_missing_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no stats of split 3m; found full"):
        audit_table([write_stats(tmp_path / "stats.json")], {**EXPECTED, "3m": EXPECTED["full"]})


def test_agreement_writes_the_table(tmp_path: Path) -> None:
    write_stats(tmp_path / "stats.json")
    done = audit(tmp_path, "stop")
    assert done.returncode == 0, done.stderr
    assert "all 6 counts are the published ones" in done.stderr
    assert pd.read_csv(tmp_path / "audit.csv")["difference"].abs().sum() == 0


def test_difference_stops_with_a_table(tmp_path: Path) -> None:
    write_stats(tmp_path / "stats.json", n_users=8)
    done = audit(tmp_path, "stop")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert ["full", "test", "users", "9", "8", "-1"] in [line.split() for line in done.stderr.splitlines()]
    assert not (tmp_path / "audit.csv").exists()


def test_switch_turns_the_stop_into_a_warning(tmp_path: Path) -> None:
    write_stats(tmp_path / "stats.json", n_users=8)
    done = audit(tmp_path, "warn")
    assert done.returncode == 0
    assert "warning: 1 of 6 counts differ" in done.stderr
    assert pd.read_csv(tmp_path / "audit.csv")["difference"].tolist() == [0, 0, 0, 0, -1, 0]


def test_published_counts_stand_beside_ours(tmp_path: Path) -> None:
    table = datasets_table("netflix", [write_stats(tmp_path / "stats.json")], EXPECTED).set_index("part")
    assert table.loc["train", "published_ratings"] == 100
    assert table.loc["interval", "published_users"] == 9
    assert pd.isna(table.loc["test", "published_items"])  # half of what is published as "test"
    assert published({}, "full", "train") == {f"published_{name}": None for name in ("ratings", "users", "items")}
