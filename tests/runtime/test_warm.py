"""Jobs that a process forks which has imported what they need: the same to whoever asks for them."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deeprec.runtime import warm
from deeprec.runtime.files import ROOT
from deeprec.runtime.parents import DRIVER

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux")

# A script as scripts/train_run.py is one: what it imports leaves a line a process.
SCRIPT = """
import argparse, json, os, sys, time
from pathlib import Path
from deeprec.runtime import console, warm
warm.hand_over()
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slow

def main(args):
    told = {"pid": os.getpid(), "parent": os.getppid(), "cwd": os.getcwd(), "argv": sys.argv}
    told["color"] = os.environ["COLOR"]
    try:  # from before it is told that there is something to end
        Path(args.out).write_text(json.dumps(told))
        print("said", args.out)
        print("read", sys.stdin.read())
        print("warned", file=sys.stderr)
        time.sleep(args.seconds)
    finally:
        Path(args.out).with_suffix(".ended").touch()
    sys.exit(args.status)

if __name__ == "__main__":
    warm.take_job()
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--status", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    console.run(main, parser)
"""
SLOW = """
import os
with open(os.path.join(os.path.dirname(__file__), "imports"), "a") as file:
    print(os.getpid(), file=file)
"""


@pytest.fixture
def driver():
    """A process that stands for the Snakemake."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def script(tmp_path):
    """The script and what it imports, in a folder whose name has a space."""
    folder = tmp_path / "the scripts"
    folder.mkdir()
    (folder / "slow.py").write_text(SLOW)
    (folder / "job.py").write_text(SCRIPT)
    return folder / "job.py"


def begin(script: Path, driver: subprocess.Popen | None, *arguments: object, color: str = "red") -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLOR": color, "TMPDIR": str(script.parent.parent)}
    environment.pop(DRIVER, None)
    if driver:
        environment[DRIVER] = str(driver.pid)
    return subprocess.Popen(
        [sys.executable, script, *map(str, arguments)],
        env=environment, cwd=script.parent.parent, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A shell has what it starts in the background ignore SIGINT, and so these tests, where it started them so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def finish(job: subprocess.Popen, text: str = "") -> tuple[int, str, str]:
    out, err = job.communicate(text, timeout=60)
    return job.returncode, out, err


def imports(script: Path) -> list[int]:
    return [int(line) for line in script.with_name("imports").read_text().split()]


def told(path: Path) -> dict:
    """Return what a job wrote, as soon as it has."""
    until = time.monotonic() + 60
    while not path.exists() or not path.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    return json.loads(path.read_text())


def ended(path: Path) -> bool:
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return path.exists()


def test_jobs_import_once_and_are_like_processes_of_their_own(script, driver, tmp_path):
    for i in range(3):
        job = begin(script, driver, f"out{i}", "--status", i, color=f"color {i}")
        assert finish(job, f"text {i}") == (i, f"said out{i}\nread text {i}\n", "warned\n")
        said = told(tmp_path / f"out{i}")
        assert said["argv"] == [str(script), f"out{i}", "--status", str(i)]
        assert said["cwd"] == str(tmp_path) and said["color"] == f"color {i}"
        assert said["pid"] != job.pid
    (server,) = imports(script)
    assert said["parent"] == server


def test_jobs_at_the_same_time_share_one_process(script, driver, tmp_path):
    jobs = [begin(script, driver, f"out{i}", "--status", i) for i in range(4)]
    assert [finish(job)[0] for job in jobs] == [0, 1, 2, 3]
    assert len({told(tmp_path / f"out{i}")["parent"] for i in range(4)}) == 1
    assert len(list((tmp_path / f"deeprec-{os.getuid()}").iterdir())) == 1  # those that came too late left nothing


def test_by_hand_a_script_imports_for_itself(script, tmp_path):
    job = begin(script, None, "out")
    assert finish(job, "x") == (0, "said out\nread x\n", "warned\n")
    assert imports(script) == [told(tmp_path / "out")["pid"]] == [job.pid]


def test_under_torchrun_a_script_imports_for_itself(script, driver, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    job = begin(script, driver, "out")
    finish(job)
    assert imports(script) == [job.pid]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_job_ends_with_whoever_asked_for_it(script, driver, tmp_path, number):
    job = begin(script, driver, "out", "--seconds", 300)
    job.stdin.close()
    fork = psutil.Process(told(tmp_path / "out")["pid"])
    os.kill(job.pid, number)
    assert ended(tmp_path / "out.ended")  # cleanly
    assert job.wait(20) == (-9 if number == signal.SIGKILL else 128 + number if number == signal.SIGTERM else 130)
    psutil.wait_procs([fork], timeout=20)
    assert not fork.is_running()
    job.stdout.close(), job.stderr.close()
    assert finish(begin(script, driver, "next"))[0] == 0  # and the others go on
    assert len(imports(script)) == 1


def test_a_fork_that_is_killed_ends_its_job(script, driver, tmp_path):
    job = begin(script, driver, "out", "--seconds", 300)
    job.stdin.close()
    os.kill(told(tmp_path / "out")["pid"], signal.SIGKILL)
    assert job.wait(20) == 128 + signal.SIGKILL
    job.stdout.close(), job.stderr.close()


def test_without_the_process_that_forked_it_a_job_fails_and_the_next_has_another(script, driver, tmp_path):
    job = begin(script, driver, "out", "--seconds", 300)
    job.stdin.close()
    os.kill(told(tmp_path / "out")["parent"], signal.SIGKILL)
    assert job.wait(20) == 1 and ended(tmp_path / "out.ended")
    job.stdout.close(), job.stderr.close()
    assert finish(begin(script, driver, "next"))[0] == 0
    assert len(imports(script)) == 2


def test_all_end_with_the_driver_and_leave_nothing(script, driver, tmp_path):
    job = begin(script, driver, "out", "--seconds", 300)
    job.stdin.close()
    said = told(tmp_path / "out")
    processes = [psutil.Process(said[name]) for name in ("pid", "parent")]
    driver.kill()
    driver.wait()
    assert ended(tmp_path / "out.ended")
    job.wait(20), job.stdout.close(), job.stderr.close()
    psutil.wait_procs(processes, timeout=20)
    assert not any(process.is_running() for process in processes)
    folder = tmp_path / f"deeprec-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and not list(folder.iterdir())


def test_where_the_imports_fail_the_job_tells_of_it(script, driver):
    script.with_name("slow.py").write_text("raise RuntimeError('no such library')\n")
    status, _, err = finish(begin(script, driver, "out"))
    assert status == 1 and "no such library" in err


@pytest.mark.parametrize("make", [lambda path: (path.mkdir(), path.chmod(0o777)), Path.touch])
def test_a_folder_that_others_can_write_or_that_is_none_is_not_used(script, driver, tmp_path, make):
    make(tmp_path / f"deeprec-{os.getuid()}")
    job = begin(script, driver, "out")
    assert finish(job)[0] == 0
    assert imports(script) == [job.pid]


def test_without_another_process_taking_a_job_does_nothing():
    assert warm.take_job() is None
