"""A store that fails: one line with the remedy, nothing in the way of a training, and all of it sent later."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from mlflow import MlflowClient

from deeprec.config.run_settings import write_run
from deeprec.runtime.files import write_json
from deeprec.tracking import store
from deeprec.tracking.complete import forget_incomplete
from deeprec.tracking.live import KEY, LiveMirror, TrackedRun, find_runs, run_key
from deeprec.tracking.mirror import ARTIFACTS, RunFolder, mirror_run
from deeprec.tracking.store import TrackingError, open_store
from tests.conftest import ROOT, metrics_of, run_of
from tests.tracking.test_live import METRICS, history, points

TRAINING = run_of(hidden=[4], lr=0.1)


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "mlflow.db"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A whole store, to copy: making one takes seconds."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    open_store(f"sqlite:///{file}", "toy")
    return file


def damage(file: Path) -> None:
    file.write_bytes(b"no database" * 400)


def halve(file: Path) -> None:
    """As MLflow leaves it when it is killed while it makes the tables."""
    with sqlite3.connect(file) as half:
        half.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    half.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (damage, "file is not a database; it is damaged: move it away, and the next call makes it again"),
        (halve, "no such column: .*; it is damaged: move it away"),
        (Path.mkdir, "unable to open database file; its folder must exist and be writable"),
    ],
)
def test_a_broken_store_is_told_in_one_line_with_the_remedy(file, make, said):
    make(file)
    with pytest.raises(TrackingError, match=f"^MLflow's store sqlite:///{file}: .*{said}") as error:
        open_store(f"sqlite:///{file}", "toy")
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(file, monkeypatch):
    monkeypatch.setattr(store, "_create", lambda file: Path("/dev/full").write_bytes(b"x"))
    with pytest.raises(TrackingError, match=r"No space left on device"):
        open_store(f"sqlite:///{file}", "toy")
    assert not file.exists()


def test_a_server_that_is_down_and_a_driver_that_is_missing_are_told():
    with pytest.raises(TrackingError, match=r"^MLflow's store http://127.0.0.1:1: .*; see that it is up$"):
        open_store("http://127.0.0.1:1", "toy")
    with pytest.raises(TrackingError, match="No module named 'pymssql'; install the driver of that database"):
        open_store("mssql+pymssql://127.0.0.1:1/x", "toy")


def test_a_held_lock_is_told(file, monkeypatch):
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    with FileLock(file.parent / ".mlflow.lock"), pytest.raises(TrackingError, match="another process holds it"):
        open_store(f"sqlite:///{file}", "toy")


CREATE = "import sys; from deeprec.tracking.store import open_store; open_store(sys.argv[1], 'toy')"


def test_killed_while_it_makes_the_store_the_next_call_makes_it(file):
    """SIGKILL as soon as the half-made store has some of its tables."""
    command = [sys.executable, "-c", CREATE, f"sqlite:///{file}"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    while n_tables(file.parent) < 5:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not file.exists()
    _, experiment = open_store(f"sqlite:///{file}", "toy")
    assert MlflowClient(f"sqlite:///{file}").get_experiment(experiment).name == "toy"


def n_tables(folder: Path) -> int:
    for beside in folder.glob(".*.partial.db"):
        try:
            with sqlite3.connect(f"file:{beside}?mode=ro", uri=True) as half:
                return half.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.Error:
            return 0
        finally:
            half.close()
    return 0


def test_an_experiment_in_the_trash_is_restored(file, made):
    shutil.copy(made, file)
    client, experiment = open_store(f"sqlite:///{file}", "toy")
    client.delete_experiment(experiment)
    assert open_store(f"sqlite:///{file}", "toy")[1] == experiment
    assert client.get_experiment(experiment).lifecycle_stage == "active"


def test_a_training_goes_on_without_its_mirror_and_catches_up(file, made, caplog):
    """Damaged at the start, there again before the end: told once, and no point is missing."""
    damage(file)
    live = LiveMirror(f"sqlite:///{file}", TRAINING, resumed=False, commit="c")
    live.next = 0
    live.update(history(5))
    live.fail()
    assert [record.levelname for record in caplog.records if record.name.startswith("deeprec")] == ["WARNING"]
    shutil.copy(made, file)
    live.close(history(8), METRICS)
    client, experiment = open_store(f"sqlite:///{file}", "toy")
    [run] = client.search_runs([experiment])
    assert run.info.status == "FINISHED" and points(client, run.info.run_id) == [(e, 2 / e) for e in range(1, 9)]


def finished(folder: Path, n: int) -> RunFolder:
    """A run's folder after n epochs, and its split's."""
    path = folder / "runs" / "r" / "seed_0"
    write_run(TRAINING, path / "settings.yaml")
    write_json(path / "metrics.json", metrics_of(epochs=n))
    pd.DataFrame(history(n)).to_parquet(path / "history.parquet")
    counts = {part: {"n_ratings": 1, "n_users": 1, "n_items": 1} for part in ("train", "valid", "test", "interval")}
    write_json(folder / "splits" / "s" / "stats.json", {"split": "s", **counts})
    return RunFolder(path)


def test_what_a_live_run_missed_is_sent_from_its_folder(file, made, tmp_path):
    shutil.copy(made, file)
    client, experiment = open_store(f"sqlite:///{file}", "toy")
    live = TrackedRun(client, experiment, TRAINING, resumed=False, commit="c")
    live.log(history(3))  # and then the store was down
    folder = finished(tmp_path, 8)
    for _ in range(2):  # a second time changes nothing
        assert mirror_run(client, experiment, folder, {}) == live.id
        assert points(client, live.id) == [(e, 2 / e) for e in range(1, 9)]
        assert client.get_run(live.id).info.status == "FINISHED"


def test_a_run_trained_again_behind_the_mirror_s_back_replaces_the_earlier_one(file, made, tmp_path):
    shutil.copy(made, file)
    client, experiment = open_store(f"sqlite:///{file}", "toy")
    first = mirror_run(client, experiment, finished(tmp_path, 8), {})
    again = finished(tmp_path, 5)
    second = mirror_run(client, experiment, again, {})
    found = find_runs(client, experiment, {KEY: run_key(TRAINING)})
    assert second != first and [run.info.run_id for run in found] == [second] and len(points(client, second)) == 5
    assert ARTIFACTS in found[0].data.tags


@pytest.mark.parametrize(
    ("text", "there", "kept"),
    [
        ('"unsent": []', "toy", True),
        ('"unsent": ["runs/r/seed_0"]', "toy", False),
        ("", "toy", False),
        ('"unsent": []', "another", False),
        ('"unsent": []', None, False),
        ('"unsent": [], "tracking_uri": "sqlite:///elsewhere.db"', None, True),
    ],
)
def test_tracking_json_goes_where_it_is_not_true_any_more(file, tmp_path, text, there, kept):
    """An interrupted mirror, a store or an experiment that is gone."""
    if there:
        with sqlite3.connect(file) as store_of:
            store_of.execute("CREATE TABLE experiments (name, lifecycle_stage)")
            store_of.execute("INSERT INTO experiments VALUES (?, 'active')", (there,))
        store_of.close()
    tracking = tmp_path / "tracking.json"
    tracking.write_text("{" + ", ".join(filter(None, [f'"tracking_uri": "sqlite:///{file}"', text])) + "}")
    forget_incomplete(tracking, f"sqlite:///{file}", "toy")
    assert tracking.exists() == kept


def test_dead_runs_are_no_reason_to_stop(file):
    damage(file)
    command = [sys.executable, ROOT / "scripts" / "close_dead_runs.py", "--dataset", "toy"]
    done = subprocess.run([*command, "--tracking-uri", f"sqlite:///{file}"], capture_output=True, text=True)
    assert done.returncode == 0 and "warning: MLflow's store" in done.stderr and "Traceback" not in done.stderr
