"""A process that ends with those that started it, whatever stands between."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deeprec.runtime.files import ROOT
from deeprec.runtime.parents import DRIVER

JOB = """
import argparse, os, sys, time
from pathlib import Path
from deeprec.runtime import console
def main(args):
    Path(args.out).write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        Path(args.out).with_suffix(".ended").touch()
parser = argparse.ArgumentParser()
parser.add_argument("out")
console.run(main, parser)
"""
# As Snakemake starts a job: through a shell, which stays since it has more to do.
DRIVE = """
import os, subprocess, sys
prefix = f"export {sys.argv[1]}={os.getpid()}; " if sys.argv[1] else ""
subprocess.run(["bash", "-c", prefix + '"$0" -c "$1" "$2"; true', *sys.argv[2:]])
"""


def start(folder: Path, variable: str) -> tuple[subprocess.Popen, psutil.Process]:
    """Start a driver and its job; return both."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop(DRIVER, None)
    out = folder / "job"
    command = [sys.executable, "-c", DRIVE, variable, sys.executable, JOB, out]
    driver = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not out.exists() or not out.read_text():
        assert driver.poll() is None
        time.sleep(0.02)
    return driver, psutil.Process(int(out.read_text()))


@pytest.mark.parametrize("killed", ["driver", "shell"])
def test_a_job_ends_with_its_driver_and_with_its_shell(tmp_path, killed):
    driver, job = start(tmp_path, DRIVER)
    shell = job.parent()
    assert shell.name() == "bash"
    os.kill(driver.pid if killed == "driver" else shell.pid, signal.SIGKILL)
    psutil.wait_procs([job], timeout=20)
    assert not job.is_running() and (tmp_path / "job.ended").exists()  # as an exception ends it
    driver.wait()


def test_by_hand_a_script_outlives_its_shell(tmp_path):
    driver, job = start(tmp_path, "")
    for process in (driver, job.parent()):
        os.kill(process.pid, signal.SIGKILL)
    driver.wait()
    time.sleep(0.5)
    assert job.is_running() and not (tmp_path / "job.ended").exists()
    job.terminate()
    psutil.wait_procs([job], timeout=20)


def test_a_second_sigterm_leaves_the_clean_end_alone(tmp_path):
    job = JOB.replace("finally:\n", "finally:\n        os.kill(os.getpid(), signal.SIGTERM)\n").replace(
        "import argparse", "import argparse, signal"
    )
    command = [sys.executable, "-c", job, tmp_path / "job"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    while not (tmp_path / "job").exists():
        time.sleep(0.02)
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM and (tmp_path / "job.ended").exists()
