"""MLflow as a mirror: no race, no point twice or lost, no run left open, movable."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from deeprec.tracking.live import KEY, PROCESS, LiveMirror, TrackedRun, close_dead_runs, find_runs, run_key
from deeprec.tracking.store import open_store
from tests.conftest import ROOT, run_of

AT = 1_700_000_000_000  # milliseconds since 1970
METRICS = {"status": "finished", "test_rmse": 1.1, "valid_rmse": 1.0, "best_epoch": 2, "seconds": 3.0}


@pytest.fixture
def uri(tmp_path, monkeypatch) -> str:
    """A fresh store; absolute, since MLflow keeps one connection a URI and process."""
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/results/mlflow.db"


def history(n: int) -> list[dict]:
    return [
        {"epoch": e, "step": e, "train_rmse": 1 / e, "valid_rmse": 2 / e, "lr": 0.1, "seconds": e, "timestamp": AT + e}
        for e in range(1, n + 1)
    ]


def tracked(uri: str, seed: int = 0, **options) -> TrackedRun:
    training = run_of(seed=seed, hidden=[4], lr=0.1)
    return TrackedRun(*open_store(uri, "toy"), training, **{"resumed": False, "commit": "c", **options})


def one_training(uri: str, seed: int) -> None:
    run = tracked(uri, seed)
    run.close(history(100), METRICS)


def points(client: MlflowClient, run_id: str, name: str = "valid/rmse") -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]


def test_eight_processes_at_once_on_a_fresh_store(uri):
    fork = multiprocessing.get_context("spawn")
    processes = [fork.Process(target=one_training, args=(uri, seed)) for seed in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 8
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("toy").experiment_id
    runs = client.search_runs([experiment])
    assert len(runs) == 8 and {run.info.status for run in runs} == {"FINISHED"}
    assert client.search_runs(["0"]) == []
    for run in runs:
        assert points(client, run.info.run_id) == [(e, 2 / e) for e in range(1, 101)]
        assert run.data.metrics["test/rmse"] == 1.1 and run.data.params["hidden"] == "[4]"


def test_resumed_run_goes_on_without_a_point_twice(uri):
    first = tracked(uri)
    first.log(history(60))
    second = tracked(uri, resumed=True)
    assert second.id == first.id
    second.close(history(100), METRICS)
    client = MlflowClient(uri)
    assert points(client, first.id) == [(e, 2 / e) for e in range(1, 101)]
    assert client.get_run(first.id).info.status == "FINISHED"


def test_training_again_from_the_start_replaces_the_run(uri):
    tracked(uri).close(history(5), METRICS)
    again = tracked(uri)
    again.close(history(3), METRICS)
    client = MlflowClient(uri)
    found = find_runs(client, again.experiment, {KEY: run_key(run_of(seed=0, hidden=[4], lr=0.1))})
    assert [run.info.run_id for run in found] == [again.id] and len(points(client, again.id)) == 3


def test_other_settings_are_another_run(uri):
    keys = {
        run_key(run_of(hidden=[4])),
        run_key(run_of(hidden=[4], lr=0.2)),
        run_key(run_of(hidden=[4], seed=1)),
    }
    assert len(keys) == 3


def test_long_curves_take_several_calls(uri):
    run = tracked(uri)
    run.close(history(1000), METRICS)
    assert len(points(run.client, run.id)) == 1000


LOG = """
from deeprec.tracking.store import open_store
client, experiment = open_store("sqlite:///results/mlflow.db", "toy")
run = client.create_run(experiment).info.run_id
client.log_text(run, "hello", "note.txt")
"""
LIST = """
from deeprec.tracking.store import open_store
client, experiment = open_store("sqlite:///results/mlflow.db", "toy")
[run] = client.search_runs([experiment])
print(*(entry.path for entry in client.list_artifacts(run.info.run_id)))
"""


def test_artifacts_are_listed_after_the_folder_moved(tmp_path):
    """In processes of their own, since the working directory and the relative URI are what is tested."""

    def python(code: str, folder: Path) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    python(LOG, here)
    here.rename(there)
    assert python(LIST, there).split() == ["note.txt"]
    assert [path.name for path in (there / "results" / "mlartifacts").iterdir()] == ["1"]


def test_runs_of_dead_processes_are_closed_and_live_ones_spared(uri):
    alive, dead, elsewhere = (tracked(uri, seed) for seed in range(3))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host, _, started = alive.client.get_run(alive.id).data.tags[PROCESS].split(":")
    dead.client.set_tag(dead.id, PROCESS, f"{host}:{ended.pid}:{started}")
    elsewhere.client.set_tag(elsewhere.id, PROCESS, f"otherhost:{ended.pid}:{started}")
    assert close_dead_runs(uri, "toy") == 1
    states = [alive.client.get_run(run.id).info.status for run in (alive, dead, elsewhere)]
    assert states == ["RUNNING", "KILLED", "RUNNING"]


def test_reused_pid_is_not_taken_for_the_dead_process(uri):
    run = tracked(uri)
    host = run.client.get_run(run.id).data.tags[PROCESS].split(":")[0]
    run.client.set_tag(run.id, PROCESS, f"{host}:{os.getpid()}:1.00")
    assert close_dead_runs(uri, "toy") == 1


def test_sigterm_closes_the_run_as_failed(uri):
    code = (
        "import argparse, pathlib, sys, time\n"
        "from deeprec.runtime import console\n"
        "from scripts.train_run import tracked\n"
        "from tests.conftest import run_of\n"
        "def main(args):\n"
        f"    with tracked(run_of(), False, {uri!r}):\n"
        "        pathlib.Path('open').touch()\n"
        "        time.sleep(60)\n"
        "console.run(main, argparse.ArgumentParser())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)})
    while not Path("open").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    client = MlflowClient(uri)
    [run] = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    assert run.info.status == "FAILED"


@pytest.mark.filterwarnings("default")  # MLflow's own
@pytest.mark.parametrize("long", [True, False])
def test_a_long_training_tells_what_it_takes_of_the_machine(uri, monkeypatch, long):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    monkeypatch.setattr("deeprec.tracking.live.SYSTEM_SECONDS", 0.0 if long else 60.0)
    live = LiveMirror(uri, run_of(), resumed=False, commit="c")
    client, told = MlflowClient(uri), "system/cpu_utilization_percentage"
    live.next = 0.0
    live.update(history(1))
    for _ in range(600):
        if not long or told in client.get_run(live.run.id).data.metrics:
            break
        time.sleep(0.1)
    live.close(history(2), METRICS)
    assert (told in client.get_run(live.run.id).data.metrics) == long
    assert "SystemMetricsMonitor" not in [thread.name for thread in threading.enumerate()]
    assert client.get_run(live.run.id).info.status == "FINISHED"
