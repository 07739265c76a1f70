"""What a process costs: seconds, processor seconds, peak memory."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
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


# Runs a script, or code after -c, and tells its own peak at the end: wait4's is also what the parent held at the start.
TOLD = """
import atexit, runpy, sys
from pathlib import Path
told, *sys.argv = sys.argv[1:]
atexit.register(lambda: Path(told).write_bytes(Path("/proc/self/status").read_bytes()))
if sys.argv[0] == "-c":
    exec(sys.argv.pop(1))
else:
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def measure(*command: object) -> Cost:
    """Run a Python command in a fresh process; raise RuntimeError with its output where it fails."""
    with tempfile.NamedTemporaryFile() as told:
        return _measure(command, Path(told.name))


def _measure(command: tuple[object, ...], told: Path) -> Cost:
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", TOLD, str(told), *map(str, command)],
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
    return Cost(time.monotonic() - start, usage.ru_utime + usage.ru_stime, _peak_of(told))


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
    memory.peak = _peak_of(Path("/proc/self/status")) - before


def _peak_of(status: Path) -> int:
    """Return the peak of resident memory, in bytes, that Linux tells in a process's status."""
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
