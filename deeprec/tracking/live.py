"""MLflow as a mirror of the runs' folders: written to, never read back from.

One experiment a data set, one flat run a training. A run is found again by the tag KEY, so that a training
that goes on after a kill goes on in the same MLflow run, after its last step; points carry the time stamps of
the run's own history, so that logging them again adds nothing.
"""

import logging
import math
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import psutil
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.entities import Run as MlflowRun
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from deeprec.config.run_settings import Run
from deeprec.tracking.store import TrackingError, open_store, telling

log = logging.getLogger(__name__)
KEY, PROCESS = "deeprec.key", "deeprec.process"
BATCH = 900  # metrics a call; MLflow takes 1,000
LIVE_SECONDS = 5.0  # between two calls while a training runs
SYSTEM_SECONDS = 60.0  # a training that takes longer tells what it takes of processor, memory and GPU
logging.getLogger("mlflow.system_metrics").setLevel(logging.WARNING)
PATIENCE = 0.05  # share of a training's time that a store which fails may take


def run_key(run: Run) -> str:
    """Return the tag value by which a training's run is found again."""
    return f"{run.dataset}/{run.name}/seed_{run.seed}/{run.hash}"


class TrackedRun:
    """One training in MLflow: opened or found again, fed while it runs, and closed."""

    def __init__(self, client: MlflowClient, experiment: str, training: Run, *, resumed: bool, commit: str):
        self.client, self.experiment = client, experiment
        self.last: dict[str, int] = {}  # the last step that an earlier process logged, by metric
        self.id = self._open(training, resumed, commit)
        self.logged = 0

    def _open(self, training: Run, resumed: bool, commit: str) -> str:
        key = run_key(training)
        found = find_runs(self.client, self.experiment, {KEY: key})
        # Trained again from the start, the same settings make the same run: the earlier one goes to MLflow's
        # trash, from where it can be restored.
        for run in found[resumed:]:
            self.client.delete_run(run.info.run_id)
        tags = {KEY: key, PROCESS: this_process()}
        if resumed and found:
            run_id: str = found[0].info.run_id
            self.last = last_steps(found[0])
            self.client.update_run(run_id, status="RUNNING")
        else:
            run_id = create_run(self.client, self.experiment, f"{training.name} · seed {training.seed}", tags)
        tags["commit"] = commit
        settings = training.as_dict()
        tags |= {name: str(settings[name]) for name in ("dataset", "run", "seed", "split", "model")}
        params = [Param(name, str(value)) for name, value in settings.items()]
        self.client.log_batch(run_id, params=params, tags=[RunTag(name, value) for name, value in tags.items()])
        return run_id

    def log(self, history: list[dict[str, float]]) -> None:
        """Log the epochs that are not logged yet, by this process or by the one that it goes on from."""
        new = [point for point in history_metrics(history[self.logged :]) if point.step > self.last.get(point.key, -1)]
        log_metrics(self.client, self.id, new)
        self.logged = len(history)

    def close(self, history: list[dict[str, float]], metrics: dict[str, Any]) -> None:
        """Log the rest of the curve and the final scores, and mark the run finished."""
        self.log(history)
        log_metrics(self.client, self.id, final_metrics(history, metrics))
        self.client.set_tag(self.id, "outcome", metrics["status"])
        self.client.set_terminated(self.id)

    def fail(self) -> None:
        """Mark the run failed."""
        self.client.set_terminated(self.id, "FAILED")


class LiveMirror:
    """The run of a training that goes on whatever the store does: what fails is told once, and sent with the next call.

    What is not sent when the training ends, `mirror.mirror_run` sends from the run's folder.
    """

    def __init__(self, uri: str, training: Run, *, resumed: bool, commit: str):
        self.uri, self.training, self.resumed, self.commit = uri, training, resumed, commit
        self.run: TrackedRun | None = None
        self.told = False
        self.monitor: SystemMetricsMonitor | None = None
        self.started = time.monotonic()
        self._do(lambda run: None)

    def _do(self, action: Callable[[TrackedRun], None]) -> None:
        start = time.monotonic()
        pause = LIVE_SECONDS
        try:
            with telling(self.uri):
                if self.run is None:
                    client, experiment = open_store(self.uri, self.training.dataset)
                    self.run = TrackedRun(client, experiment, self.training, resumed=self.resumed, commit=self.commit)
                action(self.run)
        except TrackingError as error:
            pause = max(pause, (time.monotonic() - start) / PATIENCE)
            if not self.told:
                log.warning(
                    "warning: %s. The training goes on; what is missing is sent when the store is there again", error
                )
            self.told = True
        self.next = time.monotonic() + pause

    def update(self, history: list[dict[str, float]]) -> None:
        """Log the epochs that are not logged yet, at most every few seconds."""
        if time.monotonic() > self.next:
            self._do(lambda run: run.log(history))
            if self.monitor is None and time.monotonic() - self.started > SYSTEM_SECONDS:
                self._do(self._watch)

    def _watch(self, run: TrackedRun) -> None:
        self.monitor = SystemMetricsMonitor(run.id, resume_logging=self.resumed, tracking_uri=self.uri)
        self.monitor.start()

    def _leave(self) -> None:
        if self.monitor:
            self.monitor.finish()

    def close(self, history: list[dict[str, float]], metrics: dict[str, Any]) -> None:
        """Log the rest of the curve and the final scores, and mark the run finished."""
        self._leave()
        self._do(lambda run: run.close(history, metrics))

    def fail(self) -> None:
        """Mark the run failed."""
        self._leave()
        if self.run:
            self._do(lambda run: run.fail())


def history_metrics(history: list[dict[str, float]]) -> list[Metric]:
    """Return the points of a curve, `train/rmse`, `valid/rmse` and `lr` by epoch."""
    names = {"train/rmse": "train_rmse", "valid/rmse": "valid_rmse", "lr": "lr"}
    return [
        Metric(name, float(row[column]), int(row["timestamp"]), int(row["epoch"]))
        for row in history
        for name, column in names.items()
        # A model without a learning rate has NaN, which a chart cannot show.
        if not math.isnan(row[column])
    ]


def final_metrics(history: list[dict[str, float]], metrics: dict[str, Any]) -> list[Metric]:
    """Return what a run ends with, stamped with the time of its last epoch."""
    names = {
        "test/rmse": "test_rmse",
        "best/valid_rmse": "valid_rmse",
        "best/epoch": "best_epoch",
        "seconds": "seconds",
    }
    at = int(history[-1]["timestamp"])
    return [Metric(name, float(metrics[key]), at, 0) for name, key in names.items() if metrics[key] is not None]


def log_metrics(client: MlflowClient, run_id: str, metrics: list[Metric]) -> None:
    """Log any number of points in few calls."""
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])


def last_steps(run: MlflowRun) -> dict[str, int]:
    """Return the last step of each metric, which a run brings along; a call logs whole epochs or nothing."""
    return {metric.key: int(metric.step) for metric in run.data.to_proto().metrics}


def create_run(client: MlflowClient, experiment: str, name: str, tags: dict[str, str]) -> str:
    """Create a run with tags that no other run of this process carries; return its id.

    A server whose answer is lost has made a run, and is asked again for one: what it made beside is deleted.
    """
    run_id: str = client.create_run(experiment, run_name=name, tags=tags).info.run_id
    for spare in find_runs(client, experiment, tags):
        if spare.info.run_id != run_id:
            client.delete_run(spare.info.run_id)
    return run_id


def find_runs(client: MlflowClient, experiment: str, tags: dict[str, str]) -> list[Any]:
    """Return an experiment's runs that carry all `tags`, newest first."""
    query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], query, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def close_dead_runs(uri: str, dataset: str) -> int:
    """Mark runs as killed that say RUNNING though their process on this host is gone; return how many."""
    with telling(uri):
        client, experiment = open_store(uri, dataset)
        running = client.search_runs([experiment], "attributes.status = 'RUNNING'", max_results=1000)
        dead = [run for run in running if _is_dead(run.data.tags.get(PROCESS, ""))]
        for run in dead:
            client.set_terminated(run.info.run_id, "KILLED")
        return len(dead)


def _is_dead(process: str) -> bool:
    host, _, rest = process.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        return f"{psutil.Process(int(rest)).create_time():.2f}" != process.rpartition(":")[2]
    except psutil.NoSuchProcess:
        return True
