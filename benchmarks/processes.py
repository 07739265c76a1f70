"""What a process costs: seconds, processor seconds, peak memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The paper's four splits, as config.yaml has them.
SPLITS = {
    "3m": (("2005-09-01", "2005-11-30"), ("2005-12-01", "2005-12-31")),
    "6m": (("2005-06-01", "2005-11-30"), ("2005-12-01", "2005-12-31")),
    "1y": (("2004-06-01", "2005-05-31"), ("2005-06-01", "2005-06-30")),
    "full": (("1999-12-01", "2005-11-30"), ("2005-12-01", "2005-12-31")),
}


@dataclass(frozen=True)
class Cost:
    """Of one process, or of several in turn."""

    seconds: float
    processor_seconds: float  # user and system; far from `seconds` times the cores where others compute, too
    peak_bytes: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds,
            self.processor_seconds + other.processor_seconds,
            max(self.peak_bytes, other.peak_bytes),
        )


def measure(*command: object) -> Cost:
    """Run a Python command in a fresh process; raise RuntimeError with its output where it fails."""
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {errors.decode()[-2000:]}")
    return Cost(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
