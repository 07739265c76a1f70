"""The whole workflow on a real SLURM and a tracking server with PostgreSQL, on shrunken data: `make test-cluster`.

One training is cancelled in the middle and the server is away for half a minute; what comes out is what the same
workflow makes on one machine, bit for bit, and MLflow holds the runs' files, each point once.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from deeprec.runtime.files import read_json
from tests.cluster.slurm import one_node, wait_until
from tests.conftest import ROOT
from tests.workflow.test_workflow import RESULTS, shrink, snakemake, toy_dataset, write_archive

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("workflow")]
PORT, PG_PORT = 15000, 15433
URI = f"http://127.0.0.1:{PORT}"
LONG = "long"  # the run that is cancelled
AWAY = 30.0  # seconds that the server is away


def small(config: dict) -> dict:
    """The workflow tests' shrunken config, and one training that takes a while."""
    config = shrink(config)
    config["runs"][LONG] = {"hidden": [64, 64], "epochs": 1500}
    config["ablations"]["mine"]["runs"]["long"] = LONG
    return config | {"seeds": [0], "save_seconds": 1, "across": []}


def project(folder: Path, config: dict) -> Path:
    """A copy of the repository with the shrunken config."""
    folder.mkdir()
    for name in ("deeprec", "scripts", "workflow", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / "profiles").symlink_to("workflow/profiles")
    write_archive(folder / "toy.zip")
    (folder / "config.yaml").write_text(yaml.safe_dump(small(deepcopy(config))))
    dataset = folder / "workflow" / "datasets" / "movielens-100k.yaml"
    dataset.write_text(yaml.safe_dump(toy_dataset(folder / "toy.zip")))
    return folder


@contextmanager
def tracking_server(folder: Path) -> Iterator[None]:
    """The server as a user starts it; all of it ends with the block, its data stay."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [ROOT / "scripts" / "start_tracking_server.sh", folder, str(PORT), str(PG_PORT)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert "MLflow: http" in server.stdout.readline(), "the tracking server did not start"
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        server.stdout.close()


def cancel(folder: Path) -> str:
    """Cancel the SLURM job that trains LONG, as soon as that has a state to go on from; return the job's id."""
    states = folder / "results" / "movielens-100k" / "states"
    wait_until(lambda: list(states.glob(f"{LONG}-0-*.pt")), 150, f"{LONG} has saved a state")
    pid = (states / f"{LONG}-0.lock").read_text().split()[1]
    variables = Path("/proc", pid, "environ").read_bytes().decode().split("\0")
    [job] = [text.partition("=")[2] for text in variables if text.startswith("SLURM_JOB_ID=")]
    subprocess.run(["scancel", job], check=True)
    return job


@pytest.fixture(scope="module")
def ran(config) -> Iterator[tuple[Path, Path, str]]:
    """The folders of the run on SLURM and of the run on this machine, and what the first printed; the server is up."""
    # No folder of pytest's, which other users, such as PostgreSQL's, cannot enter.
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        here, there = project(folder / "here", config), project(folder / "there", config)
        command = ["--profile", str(there / "workflow/profiles/slurm"), "--config", f"tracking_uri={URI}"]
        command += ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"]
        log = folder / "snakemake.log"
        said, timing = "", time.monotonic()
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        with one_node(folder / "slurm"):
            with tracking_server(folder / "server"):
                print(f"SLURM and server up after {time.monotonic() - timing:.0f} s")
                with log.open("w") as out:
                    workflow = subprocess.Popen(
                        ["snakemake", *command], cwd=there, env=environment, stdout=out, stderr=subprocess.STDOUT
                    )
                try:
                    job = cancel(there)
                except BaseException:
                    workflow.terminate()
                    workflow.wait(60)
                    print(log.read_text())
                    raise
                print(f"job {job} cancelled after {time.monotonic() - timing:.0f} s")
            began = time.monotonic()
            snakemake(here)
            print(f"the workflow on this machine ended after {time.monotonic() - timing:.0f} s")
            time.sleep(max(0.0, began + AWAY - time.monotonic()))
            with tracking_server(folder / "server"):
                try:
                    status = workflow.wait(240)
                finally:
                    workflow.terminate()
                    said = log.read_text()
                    print(said)
                print(f"the workflow on SLURM ended after {time.monotonic() - timing:.0f} s")
                assert status == 0
                yield there, here, said


def test_predictions_are_those_of_one_machine_bit_for_bit(ran):
    there, here, said = ran
    found = sorted(path.relative_to(here) for path in here.glob("results/*/runs/*/seed_*/predictions.parquet"))
    assert len(found) == 5
    for path in found:
        assert (there / path).read_bytes() == (here / path).read_bytes(), path
    assert "restart" in said.lower() or "Trying to restart" in said  # the cancelled job was tried again


def test_small_jobs_went_together(ran):
    _, _, said = ran
    submitted = said.count("has been submitted with SLURM jobid")
    assert 5 <= submitted <= 9  # parse, split, trainings two by two (one again), figures and report, mirror


def test_mlflow_holds_the_runs_files_each_point_once(ran):
    there, _, _ = ran
    tracking = read_json(there / RESULTS / "tracking.json")
    assert tracking["tracking_uri"] == URI and tracking["unsent"] == [] and tracking["charts"].startswith(f"{URI}/#/")
    client = MlflowClient(URI)
    runs = client.search_runs([tracking["experiment_id"]])
    assert len(runs) == 5 and {run.info.status for run in runs} == {"FINISHED"}
    for path, run_id in tracking["runs"].items():
        history = pd.read_parquet(there / path / "history.parquet")
        for name, column in (("train/rmse", "train_rmse"), ("valid/rmse", "valid_rmse")):
            points = client.get_metric_history(run_id, name)
            kept = history[["epoch", column]].dropna()
            assert [point.step for point in points] == list(kept["epoch"]), (path, name)
            assert [point.value for point in points] == pytest.approx(list(kept[column]), nan_ok=True, rel=0, abs=0)
        metrics, run = read_json(there / path / "metrics.json"), client.get_run(run_id)
        if metrics["test_rmse"] is not None:
            assert run.data.metrics["test/rmse"] == metrics["test_rmse"]
        assert {"curve.png", "settings.yaml", "metrics.json"} <= {a.path for a in client.list_artifacts(run_id)}


def test_the_password_is_nowhere_in_the_project(ran):
    there, _, _ = ran
    password = (there.parent / "server" / "pgpass").read_text().strip().split(":")[-1].encode()
    assert len(password) == 32
    assert not [path for path in there.rglob("*") if path.is_file() and password in path.read_bytes()]
