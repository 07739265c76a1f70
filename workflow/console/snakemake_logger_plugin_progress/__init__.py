"""One line while the workflow runs, in place of Snakemake's lines a job: snakemake --logger progress, as make does.

Snakemake finds it by its name on PYTHONPATH. What is no news of a job, errors above all, is written as Snakemake does.
"""

import os
import sys
import time
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[3]))
from deeprec.runtime.progress import Left, earlier_seconds, in_words

OF_JOBS = (LogEvent.SHELLCMD, LogEvent.RESOURCES_INFO, LogEvent.GROUP_INFO, LogEvent.WORKFLOW_STARTED)
NO_NEWS = ("Select jobs", "Execute ", "Finished jobid", "Building DAG", "Assuming unrestricted", "Complete log")
EVERY = 60.0  # seconds between two lines where the output is no terminal
SHOWN = 3  # jobs named at once


class LogHandlerSettings(LogHandlerSettingsBase):
    """None of its own."""


class LogHandler(LogHandlerBase):
    """Shows jobs done, what runs now, and the time left by what jobs took before."""

    writes_to_stream, writes_to_file = True, False
    has_filter = has_formatter = needs_rulegraph = False

    def __post_init__(self) -> None:
        self.bar: Any = None
        self.done = 0  # jobs; the bar does not count where the output is no terminal
        self.left = Left({}, {}, 1)
        self.running: dict[int, tuple[str, str, float]] = {}  # rule, what is shown of a job, and its start
        self.written = time.monotonic()

    def emit(self, record: LogRecord) -> None:
        """Take in one of Snakemake's messages."""
        event, told = getattr(record, "event", None), vars(record)
        if event == LogEvent.JOB_ERROR:  # a job that failed runs no more; what it died of is written below
            self.running.pop(told["jobid"], None)
        if event == LogEvent.RUN_INFO and not self.common_settings.dryrun:
            self._start(told["stats"])
        elif event == LogEvent.JOB_INFO and self.bar is not None:
            self.running[told["jobid"]] = told["rule_name"], _shown(told), time.monotonic()
            self._show()
        elif event == LogEvent.JOB_FINISHED and self.bar is not None:
            rule, _, start = self.running.pop(told["job_id"], ("", "", 0.0))
            if rule:
                self.left.ended(rule, time.monotonic() - start)
        elif event == LogEvent.PROGRESS and self.bar is not None:
            self.bar.update(told["done"] - self.done)
            self.done = told["done"]
            self._show()
        elif event not in OF_JOBS and (record.levelno >= WARNING or not record.getMessage().startswith(NO_NEWS)):
            tqdm.write(self.format(record).strip(), file=sys.stderr)

    def _start(self, stats: dict[str, int]) -> None:
        earlier = earlier_seconds(Path("results") / os.environ.get("DATASET", ""))
        self.left = Left(stats, earlier, os.cpu_count() or 1)
        looks = "{n}/{total} jobs |{bar:20}| {desc}"
        self.bar = tqdm(total=stats["total"], unit="job", disable=not sys.stderr.isatty(), bar_format=looks)

    def _show(self) -> None:
        now = [words for _, words, _ in self.running.values()][-SHOWN:]
        words = f"{in_words(self.left.seconds)} · {', '.join(now)}"
        self.bar.set_description_str(words)
        if self.bar.disable and time.monotonic() - self.written > EVERY:
            self.written = time.monotonic()
            print(f"{self.done} of {self.bar.total} jobs · {words}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the last state of the line on the screen."""
        if self.bar is not None:
            self.bar.close()
        super().close()


def _shown(told: dict[str, Any]) -> str:
    """Return what is shown of a job: a training's run, else its rule."""
    rule, wildcards = told["rule_name"], told.get("wildcards") or {}
    return f"training {wildcards['run']}" if rule.startswith("train_") and "run" in wildcards else str(rule)
