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


@pytest.fixture
def handler(monkeypatch):
    """The line's plugin, which writes at every event where the output is no terminal; it takes an event's name."""
    monkeypatch.syspath_prepend(ROOT / "workflow" / "console")
    plugin = importlib.import_module("snakemake_logger_plugin_progress")
    monkeypatch.setattr(plugin, "EVERY", -1.0)
    handler = plugin.LogHandler(SimpleNamespace(dryrun=False), None)
    handler.setFormatter(logging.Formatter())

    def tell(event: str, level: int = logging.INFO, **values) -> None:
        record = {"event": plugin.LogEvent[event], "levelno": level, "msg": event, **values}
        handler.emit(logging.makeLogRecord(record))

    yield tell
    handler.close()


def test_where_the_output_is_no_terminal_lines_count_the_jobs(handler, capsys):
    handler("RUN_INFO", stats={"train_run_0": 2, "total": 2})
    handler("JOB_INFO", jobid=7, rule_name="train_run_0", wildcards={"run": "als"})
    handler("JOB_FINISHED", job_id=7)
    handler("PROGRESS", done=1, total=2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "0 of 2 jobs · time left unknown · training als"
    assert lines[-1].startswith("1 of 2 jobs · ")


def test_a_job_that_failed_is_told_of_and_runs_no_more(handler, capsys):
    handler("RUN_INFO", stats={"train_run_0": 2, "total": 2})
    for number, run in enumerate(("als", "pca")):
        handler("JOB_INFO", jobid=number, rule_name="train_run_0", wildcards={"run": run})
    handler("JOB_ERROR", logging.ERROR, jobid=0, rule_name="train_run_0")
    handler("PROGRESS", done=0, total=2)
    lines = capsys.readouterr().err.splitlines()
    assert "training als, training pca" in lines[1]
    assert lines[2] == "JOB_ERROR" and lines[-1].endswith(" · training pca")
