"""What is left of a run: jobs by rule, times of this run or of the one before, and how it is said."""

import importlib
import logging
from types import SimpleNamespace

import pytest

from deeprec.runtime.progress import Left, earlier_seconds, in_words
from tests.conftest import ROOT


def test_what_an_earlier_run_took_is_read_of_its_benchmarks(tmp_path):
    for name, seconds in (("train_run/a_0.tsv", "4.0"), ("train_run/b_2.tsv", "8.0"), ("write_report.tsv", "9.0")):
        path = tmp_path / "benchmarks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:04\n")
    (tmp_path / "benchmarks" / "cut_off.tsv").write_text("s\th:m:s\n")
    (tmp_path / "benchmarks" / "unknown.tsv").write_text("s\th:m:s\n-\t-\n")
    assert earlier_seconds(tmp_path) == {"train_run": 6.0, "write_report": 9.0}
    assert earlier_seconds(tmp_path / "nowhere") == {}


def test_what_is_left_follows_from_what_jobs_took_before():
    counts = {"train_run_0": 6, "train_run_2": 4, "write_report": 1, "write_plan": 30, "total": 41}
    left = Left(counts, {"train_run": 6.0, "write_report": 9.0}, cores=2)
    assert left.seconds == (10 * 6.0 + 9.0) / 2
    left.ended("train_run_0", 100.0)  # one job alone says little of the others
    assert left.seconds == (9 * 6.0 + 9.0) / 2
    for _ in range(5):
        left.ended("train_run_2", 10.0)
    assert left.seconds == pytest.approx((4 * (100 + 5 * 10.0) / 6 + 9.0) / 2)


def test_without_an_earlier_run_the_first_training_tells():
    left = Left({"train_run_0": 3, "write_report": 1}, {}, cores=1)
    assert left.seconds is None
    left.ended("train_run_0", 5.0)
    assert left.seconds == 10.0
    left.ended("train_run_0", 5.0)
    left.ended("train_run_0", 5.0)
    left.ended("write_report", 1.0)
    assert left.seconds == 0.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "time left unknown"),
        (0.0, "nearly done"),
        (10, "half a minute left"),
        (60, "about a minute left"),
        (600, "about 10 min left"),
    ],
)
def test_a_time_in_words(seconds, words):
    assert in_words(seconds) == words


def test_where_the_output_is_no_terminal_lines_count_the_jobs(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "workflow" / "console")
    plugin = importlib.import_module("snakemake_logger_plugin_progress")
    monkeypatch.setattr(plugin, "EVERY", -1.0)
    handler = plugin.LogHandler(SimpleNamespace(dryrun=False), None)
    told = [
        ("RUN_INFO", {"stats": {"train_run_0": 2, "total": 2}}),
        ("JOB_INFO", {"jobid": 7, "rule_name": "train_run_0", "wildcards": {"run": "als"}}),
        ("JOB_FINISHED", {"job_id": 7}),
        ("PROGRESS", {"done": 1, "total": 2}),
    ]
    for event, values in told:
        handler.emit(logging.makeLogRecord({"event": plugin.LogEvent[event], **values}))
    handler.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "0 of 2 jobs · time left unknown · training als"
    assert lines[-1].startswith("1 of 2 jobs · ")
