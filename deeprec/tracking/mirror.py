"""The rest of the mirror in MLflow, made from the runs' folders: artifacts, notes, ablations."""

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, RunTag

from deeprec.config.run_settings import Run, read_run
from deeprec.data.audit import read_stats
from deeprec.evaluation.ablation_figure import draw_curve
from deeprec.evaluation.curves import HISTORY
from deeprec.evaluation.tables import read_metrics, read_parquet, records
from deeprec.runtime.files import InputError
from deeprec.runtime.torch_files import read_torch
from deeprec.tracking.live import KEY, TrackedRun, find_runs, run_key

log = logging.getLogger(__name__)
NOTE = "mlflow.note.content"  # the tag that the UI renders as markdown
ARTIFACTS = "deeprec.artifacts"  # the tag that says of which history.parquet the artifacts are


@dataclass(frozen=True)
class RunFolder:
    """A finished training's folder, `runs/{run}/seed_{n}`."""

    path: Path

    @cached_property
    def training(self) -> Run:
        """What defines the training."""
        return read_run(self.path / "settings.yaml")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """What came out."""
        return read_metrics(self.path / "metrics.json")

    @cached_property
    def history(self) -> pd.DataFrame:
        """The curve, a row an epoch."""
        return read_parquet(self.path / "history.parquet", *HISTORY, "lr", "timestamp")

    @cached_property
    def weights(self) -> dict[str, Any]:
        """The checkpoint's weights; raises InputError where it is damaged or another training's."""
        path = self.path / "checkpoint.pt"
        checkpoint = read_torch(path)
        if (found := checkpoint.get("settings")) != self.training.as_dict():
            name = found.get("run") if isinstance(found, dict) else None
            raise InputError(f"{path}: found a checkpoint of run {name!r}; expected one of settings.yaml beside it")
        weights: dict[str, Any] = checkpoint["weights"]
        return weights

    @property
    def split(self) -> Path:
        """The folder of the split that the training used."""
        return self.path.parents[2] / "splits" / self.training.split

    @cached_property
    def split_stats(self) -> dict[str, Any]:
        """The split's counts."""
        return read_stats(self.split / "stats.json")

    @property
    def command(self) -> str:
        """The command that repeats the training."""
        options = f"--split {self.split} --threads {self.metrics['threads']}"
        if (n := self.metrics.get("processes", 1)) > 1:
            options += f" --processes {n}"
        return f"python scripts/train_run.py {self.path}/settings.yaml {options}"


def mirror_run(client: mlflow.MlflowClient, experiment: str, folder: RunFolder, tags: dict[str, str]) -> str:
    """Complete one run in MLflow, or make it whole where the store does not know it or missed its end; return its id.

    `tags` are those by which MLflow's page shows it (`views.tags_of`). Whatever is there already is left as it is, so
    that doing this twice changes nothing.
    """
    found = find_runs(client, experiment, {KEY: run_key(folder.training)})
    folder.history, folder.metrics, folder.split_stats  # noqa: B018 (what is damaged is told before anything is sent)
    stamp = hashlib.sha256((folder.path / "history.parquet").read_bytes()).hexdigest()[:12]
    done = found[0].data.tags.get(ARTIFACTS) if found else None
    if found and found[0].info.status == "FINISHED" and done in (None, stamp):
        run_id: str = found[0].info.run_id
    else:  # of a run that another training of the same settings left, nothing is kept
        run_id = _log_again(client, experiment, folder, resumed=done is None)
    tags = {**tags, NOTE: _note(folder)}
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    if done != stamp:
        for name in ("settings.yaml", "metrics.json"):
            client.log_artifact(run_id, str(folder.path / name))
        figure = draw_curve(folder.history, f"{folder.training.name} on {folder.training.dataset}")
        client.log_figure(run_id, figure, "curve.png")
        client.log_inputs(run_id, [DatasetInput(_dataset(folder))])
        client.set_tag(run_id, ARTIFACTS, stamp)
    return run_id


def _log_again(client: mlflow.MlflowClient, experiment: str, folder: RunFolder, *, resumed: bool) -> str:
    run = TrackedRun(client, experiment, folder.training, resumed=resumed, commit=folder.metrics["commit"])
    run.close(records(folder.history), folder.metrics)
    return run.id


def _note(folder: RunFolder) -> str:
    run, m = folder.training, folder.metrics
    scores = f"diverged in epoch {m['epochs']}"
    if m["status"] == "finished":
        valid = f"RMSE {m['valid_rmse']:.4f} on validation (epoch {m['best_epoch']})"
        scores = f"{valid}, {m['test_rmse']:.4f} on test"
    return (
        f"**{run.name}**, seed {run.seed}, on {run.dataset}, split `{run.split}`: {scores}.\n\n"
        f"Commit `{m['commit']}`; {m['machine']}; {m['versions']}.\n\n"
        f"To repeat it:\n\n```\n{folder.command}\n```\n"
    )


def _dataset(folder: RunFolder) -> Dataset:
    stats = folder.split_stats
    digest = hashlib.sha256(json.dumps(stats, sort_keys=True).encode()).hexdigest()[:8]
    source = json.dumps({"uri": str(folder.split)})
    profile = json.dumps({name: stats[name]["n_ratings"] for name in ("train", "valid", "test")})
    name = f"{folder.training.dataset}/{folder.training.split}"
    return Dataset(name=name, digest=digest, source_type="local", source=source, profile=profile)
