"""A lock: one holder at a time, named to those who wait, and free again when it dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deeprec.runtime.files import ROOT
from deeprec.runtime.lock import alone

HOLD = """
import sys, time
from pathlib import Path
from deeprec.runtime.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
ADD = """
import sys, time
from pathlib import Path
from deeprec.runtime import lock
lock.PAUSE = 0.001
counter = Path(sys.argv[1]).with_name("counter")
for _ in range(50):
    with lock.alone(Path(sys.argv[1])):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "states" / "r-0.lock"


def test_the_file_is_there_while_it_is_held(path):
    with alone(path):
        assert path.read_text().startswith(f"process {os.getpid()} on ")
    assert not path.exists()


def test_whoever_waits_is_told_for_whom_and_goes_on_after_a_kill(path, caplog):
    other = start(HOLD, path, 60)
    assert other.stdout.readline() == "held\n"
    killed = []

    def kill_then(take):
        """Refuse the first time, as the other holds it, and kill the other."""
        if not (took := take()) and not killed:
            killed.append(other.send_signal(signal.SIGKILL))
        return took

    with alone(path, kill_then):
        assert killed and path.read_text().startswith(f"process {os.getpid()} on ")
    assert [f"held by process {other.pid} on " in record.message for record in caplog.records] == [True]
    other.wait()
    other.stdout.close()


def test_no_two_hold_it_at_once(path):
    """Each of three processes adds 50 to a number, one at a time, though the file is removed every time."""
    path.parent.mkdir()
    (path.parent / "counter").write_text("0")
    processes = [start(ADD, path) for _ in range(3)]
    deadline = time.monotonic() + 60
    assert [process.wait(deadline - time.monotonic()) for process in processes] == [0] * 3
    for process in processes:
        process.stdout.close()
    assert (path.parent / "counter").read_text() == "150"
