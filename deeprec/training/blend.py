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
from torch import Tensor

from deeprec.config.run_settings import Run, read_run
from deeprec.data.matrix import Part, RatingMatrix, read_train
from deeprec.models.blend import rating_counts
from deeprec.models.factors import clip, rating_range
from deeprec.models.learners import restore
from deeprec.models.ranking import ranking_scores
from deeprec.models.stacking import blended, fit_by_features, fit_scale, fit_weights, known_of, mean_weights
from deeprec.runtime.files import InputError, read_json, reading
from deeprec.runtime.torch_files import read_torch
from deeprec.settings.blend import BlendSettings
from deeprec.training.folder import write_folder
from deeprec.training.loop import Progress, rmse

log = logging.getLogger(__name__)
FILES = {"valid": "valid_predictions.parquet", "test": "predictions.parquet"}
COLUMNS = ["user", "item", "rating", "prediction"]
FOLDS = 10
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
        """Return the mean of the seeds' predictions, (n,) stars, float64."""
        found = [_read(folder / FILES[name])["prediction"] for folder in self.folders]
        return np.asarray(np.mean(found, 0, np.float64))

    def checkpoints(self) -> list[dict[str, Any]]:
        """Return each seed's checkpoint."""
        return [read_torch(folder / "checkpoint.pt") for folder in self.folders]


@dataclass(frozen=True)
class Predicted:
    """Pairs as the inputs predict them: `base` (n,) and `members` (n_members, n), stars, float64."""

    base: Tensor
    members: Tensor
    known: tuple[Tensor, Tensor, Tensor]  # what weights may follow (known_of), (n,) each
    rated: Tensor  # whether user and item have training ratings, (n,)

    def at(self, which: Tensor) -> "Predicted":
        """Return the pairs where `which` (n,) says so."""
        one, other, b = (values[which] for values in self.known)
        return Predicted(self.base[which], self.members[:, which], (one, other, b), self.rated[which])

    def blended(self, kept: dict[str, Any]) -> np.ndarray:
        """Return the blend, and the biases alone where a user or an item has no training rating: (n,) float32."""
        found = blended(self.base, list(self.members), kept, self.known)
        return np.asarray(torch.where(self.rated, found, self.base).float())


def _read(path: Path) -> pd.DataFrame:
    with reading(path, "a run's predictions: " + ", ".join(COLUMNS)):
        return pd.read_parquet(path, columns=COLUMNS)


def blend_run(run: Run, split: Path, out: Path) -> tuple[Progress, dict[str, Any]]:
    """Blend a run's members, whose folders lie beside `out`'s, and write its folder; return the curve and metrics.

    Nothing is trained: weights are fitted to the members' predictions on validation. The blend's own there are out of
    fold. A diverged member makes a diverged blend. Raises InputError where a member is of another data set or split.
    """
    began = time.perf_counter()
    settings = run.settings_as(BlendSettings)
    train = read_train(split, dated=settings.dated)
    inputs = {name: _input(run, out.parents[1] / name, settings) for name in settings.inputs}
    base, members = inputs[settings.base], [inputs[name] for name in settings.members]
    parts = {part: base.part(part) for part in FILES}
    lost = [name for name, found in inputs.items() if found.diverged]
    kept, shares = {"shares": torch.zeros(len(members), dtype=torch.float64)}, [0.0] * len(members)
    if lost:
        log.warning("run %s: diverged, since its member %s did", run.name, lost[0])
        scores = {part: np.full(len(ratings), np.nan, np.float32) for part, ratings in parts.items()}
    else:
        valid, test = (_predicted(train, base, members, part, ratings) for part, ratings in parts.items())
        rating = torch.from_numpy(parts["valid"].rating.astype(np.float64))
        kept = _fit(settings, valid, rating)
        shares = mean_weights(kept, valid.known)
        ends = rating_range(train) if settings.clip else None
        scores = {"valid": clip(_out_of_fold(settings, valid, rating), ends), "test": clip(test.blended(kept), ends)}
    metrics = [found for used in inputs.values() for found in used.metrics]
    seconds = time.perf_counter() - began + sum(found["seconds"] for found in metrics)
    progress = _progress(rmse(scores["valid"], parts["valid"].rating), seconds, diverged=bool(lost))
    checkpoint = {
        "base": base.checkpoints(),
        "members": [member.checkpoints() for member in members],
        **kept,
    }
    measured = {name: metrics[0][name] for name in SHARED}
    measured |= {name: max(found[name] for found in metrics) for name in LARGEST}
    measured["weights"] = ", ".join(f"{m.name} {w:.3f}" for m, w in zip(members, shares, strict=True))
    if not lost:
        model = restore(settings, checkpoint, train)
        measured |= ranking_scores(model, train, parts["valid"], parts["test"], run.relevant)
    found = {part: (ratings, scores[part]) for part, ratings in parts.items()}
    return progress, write_folder(out, run, progress, checkpoint, found, measured)


def _predicted(train: RatingMatrix, base: Input, members: list[Input], name: str, part: Part) -> Predicted:
    n_user, n_item = (n[side] for n, side in zip(rating_counts(train), (part.user, part.item), strict=True))
    b = torch.from_numpy(base.predictions(name))
    theirs = torch.from_numpy(np.array([member.predictions(name) for member in members]))
    return Predicted(b, theirs, known_of(b, n_user, n_item), (n_user > 0) & (n_item > 0))


def _fit(settings: BlendSettings, valid: Predicted, rating: Tensor) -> dict[str, Any]:
    """Return the weights that a checkpoint holds, fitted to ratings (n,) float64 where they are fitted at all."""
    n_members = len(valid.members)
    if settings.weights == "equal" or not len(rating):
        return {"shares": torch.full((n_members,), 1 / n_members, dtype=torch.float64)}
    shares = torch.from_numpy(fit_weights(valid.base.numpy(), valid.members.numpy(), rating.numpy()))
    if settings.weights == "fitted" or not valid.rated.any():
        return {"shares": shares}
    found = valid.at(valid.rated)
    scale, error = fit_scale(found.known), rating[valid.rated] - found.base
    moves = found.members - found.base
    return {"scale": scale, "by_features": fit_by_features(found.known, scale, moves, error, shares, settings.prior)}


def _out_of_fold(settings: BlendSettings, valid: Predicted, rating: Tensor) -> np.ndarray:
    """Return the blend of validation, (n,), each tenth by weights that were fitted to the others.

    What was fitted to a rating says nothing of how well it is predicted.
    """
    scores, fold = np.empty(len(rating), np.float32), torch.arange(len(rating)) % FOLDS
    for one in range(min(FOLDS, len(rating))):
        kept = _fit(settings, valid.at(fold != one), rating[fold != one])
        scores[(fold == one).numpy()] = valid.at(fold == one).blended(kept)
    return scores


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
