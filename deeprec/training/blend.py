"""A blend's folder, made of its members' folders: their predictions, and their checkpoints in one."""

import logging
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from deeprec.config.run_settings import Run, read_run
from deeprec.data.matrix import Part, read_train
from deeprec.models.blend import blended, fit_weights
from deeprec.models.factors import clip, rating_range
from deeprec.models.learners import restore
from deeprec.models.ranking import ranking_scores
from deeprec.runtime.files import InputError, read_json, reading
from deeprec.runtime.torch_files import read_torch
from deeprec.settings.blend import BlendSettings
from deeprec.training.folder import write_folder
from deeprec.training.loop import Progress, rmse

log = logging.getLogger(__name__)
FILES = {"valid": "valid_predictions.parquet", "test": "predictions.parquet"}
COLUMNS = ["user", "item", "rating", "prediction"]
LARGEST = ("peak_memory_bytes", "added_memory_bytes", "peak_gpu_memory_bytes")  # metrics that the largest input sets
SHARED = ("n_users", "n_items", "n_train", "device")  # those that all inputs have in common


@dataclass(frozen=True)
class Input:
    """A run behind a blend: its folders, one a seed."""

    name: str
    folders: list[Path]

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Each seed's metrics."""
        return [read_json(folder / "metrics.json", "status", "seconds", *SHARED, *LARGEST) for folder in self.folders]

    @property
    def diverged(self) -> bool:
        """Whether a seed diverged."""
        return any(metrics["status"] == "diverged" for metrics in self.metrics)

    def part(self, name: str) -> Part:
        """Return the ratings that were predicted, `valid`'s or `test`'s."""
        table = _read(self.folders[0] / FILES[name])
        # Copies, since pandas' own arrays cannot be written to, of which torch warns.
        return Part(*(table[column].to_numpy(copy=True) for column in ("user", "item", "rating")))

    def predictions(self, name: str) -> np.ndarray:
        """Return the mean of the seeds' predictions, (n,) stars."""
        found = [_read(folder / FILES[name])["prediction"] for folder in self.folders]
        mean: np.ndarray = np.mean(found, 0)
        return mean

    def checkpoints(self) -> list[dict[str, Any]]:
        """Return each seed's checkpoint."""
        return [read_torch(folder / "checkpoint.pt") for folder in self.folders]


def _read(path: Path) -> pd.DataFrame:
    with reading(path, "a run's predictions: " + ", ".join(COLUMNS)):
        return pd.read_parquet(path, columns=COLUMNS)


def blend_run(run: Run, split: Path, out: Path) -> tuple[Progress, dict[str, Any]]:
    """Blend a run's members, whose folders lie beside `out`'s, and write its folder; return the curve and metrics.

    Nothing is trained: weights are fitted to the members' predictions on validation. A diverged member makes a diverged
    blend. Raises InputError where a member is of another data set or split.
    """
    began = time.perf_counter()
    settings = run.settings_as(BlendSettings)
    train = read_train(split, dated=settings.dated)
    inputs = {name: _input(run, out.parents[1] / name, settings) for name in settings.inputs}
    base, members = inputs[settings.base], [inputs[name] for name in settings.members]
    parts = {part: base.part(part) for part in FILES}
    weights, scores, lost = np.zeros(len(members)), {}, [name for name, found in inputs.items() if found.diverged]
    if lost:
        log.warning("run %s: diverged, since its member %s did", run.name, lost[0])
        scores = {part: np.full(len(ratings), np.nan, np.float32) for part, ratings in parts.items()}
    else:
        known = {part: (base.predictions(part), np.array([m.predictions(part) for m in members])) for part in FILES}
        weights = np.full(len(members), 1 / len(members))
        if settings.weights == "fitted":
            weights = fit_weights(*known["valid"], parts["valid"].rating)
        ends = rating_range(train) if settings.clip else None
        scores = {part: clip(blended(*found, weights), ends) for part, found in known.items()}
    metrics = [found for used in inputs.values() for found in used.metrics]
    seconds = time.perf_counter() - began + sum(found["seconds"] for found in metrics)
    progress = _progress(rmse(scores["valid"], parts["valid"].rating), seconds, diverged=bool(lost))
    checkpoint = {
        "base": base.checkpoints(),
        "members": [member.checkpoints() for member in members],
        "shares": torch.from_numpy(weights),
    }
    measured = {name: metrics[0][name] for name in SHARED}
    measured |= {name: max(found[name] for found in metrics) for name in LARGEST}
    measured["weights"] = ", ".join(f"{m.name} {w:.3f}" for m, w in zip(members, weights, strict=True))
    if not lost:
        model = restore(settings, checkpoint, train)
        measured |= ranking_scores(model, train, parts["valid"], parts["test"], run.relevant)
    found = {part: (ratings, scores[part]) for part, ratings in parts.items()}
    return progress, write_folder(out, run, progress, checkpoint, found, measured)


def _input(run: Run, folder: Path, settings: BlendSettings) -> Input:
    """Return a member; raise InputError where it is of another data set or split than the blend."""
    assert run.seed is not None, "make_learner() asks for one"
    found = Input(folder.name, [folder / f"seed_{seed}" for seed in settings.seeds_of(run.seed)])
    for path in found.folders:
        member = read_run(path / "settings.yaml")
        theirs, ours = ((r.dataset, r.split, r.split_definition) for r in (member, run))
        if theirs != ours:
            raise InputError(
                f"{path}: found a run on {member.dataset}, split {member.split}; expected the blend's "
                f"{run.dataset}, {run.split}, in the same definition"
            )
    return found


def _progress(valid_rmse: float, seconds: float, *, diverged: bool) -> Progress:
    """Return the curve of one epoch, whose training RMSE nobody measured."""
    row = {"epoch": 1, "step": 1, "train_rmse": np.nan, "valid_rmse": valid_rmse, "lr": np.nan}
    return Progress(
        history=[{**row, "seconds": seconds, "timestamp": int(time.time() * 1000)}],
        steps=[{"step": 1, "train_rmse": np.nan}],
        best_epoch=0 if diverged else 1,
        best_rmse=valid_rmse,
        diverged=diverged,
        seconds=seconds,
    )
