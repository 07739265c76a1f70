"""What a process costs: seconds, processor seconds, peak memory."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deeprec.runtime.files import ROOT


@dataclass(frozen=True)
class Cost:
    """Of one process, or of several in turn."""

    seconds: float
    processor_seconds: float  # user and system; far from `seconds` times the cores where others compute, too
    peak_bytes: int


def measure(*command: object) -> Cost:
    """Run a Python command in a fresh process; raise RuntimeError with its output where it fails."""
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {errors.decode()[-2000:]}")
    return Cost(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@dataclass
class Memory:
    """Of this process, in bytes, beyond what it held before."""

    peak: int = 0


@contextmanager
def peak_memory_of() -> Iterator[Memory]:
    """Measure the peak of resident memory during a block."""
    memory, before = Memory(), psutil.Process().memory_info().rss
    # Linux counts the peak from here on; before, it includes what the imports took and gave back.
    Path("/proc/self/clear_refs").write_text("5")
    yield memory
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    memory.peak = int(line.split()[1]) * 1024 - before
