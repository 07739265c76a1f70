"""A blend's folder, made of its members' folders: their predictions, and their checkpoints in one."""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeprec.config.run_settings import Run
from deeprec.data.matrix import read_train
from deeprec.models.factors import clip, rating_range
from deeprec.models.learners import restore
from deeprec.models.ranking import ranking_scores
from deeprec.models.stacking import are_rated, fit_by_features, fit_scale, fit_weights, mean_weights
from deeprec.settings.blend import BlendSettings
from deeprec.training.blend_inputs import FILES, LARGEST, SHARED, Predicted, predicted_by, read_input
from deeprec.training.folder import write_folder
from deeprec.training.loop import Progress, rmse

log = logging.getLogger(__name__)
FOLDS = 10  # of validation


def blend_run(run: Run, split: Path, out: Path) -> tuple[Progress, dict[str, Any]]:
    """Blend a run's members, whose folders lie beside `out`'s, and write its folder; return the curve and metrics.

    Nothing is trained: weights are fitted to the members' predictions on validation. The blend's own there are out of
    fold. A diverged member makes a diverged blend. Raises InputError where a member is of another data set or split.
    """
    began = time.perf_counter()
    settings = run.settings_as(BlendSettings)
    train = read_train(split, dated=settings.dated)
    inputs = {name: read_input(run, out.parents[1] / name, settings) for name in settings.inputs}
    base, members = inputs[settings.base], [inputs[name] for name in settings.members]
    parts = {part: base.part(part) for part in FILES}
    lost = [name for name, found in inputs.items() if found.diverged]
    kept, shares = {"shares": torch.zeros(len(members), dtype=torch.float64)}, [0.0] * len(members)
    if lost:
        log.warning("run %s: diverged, since its member %s did", run.name, lost[0])
        scores = {part: np.full(len(ratings), np.nan, np.float32) for part, ratings in parts.items()}
    else:
        valid, test = (predicted_by(train, base, members, part, ratings) for part, ratings in parts.items())
        rating = torch.from_numpy(parts["valid"].rating.astype(np.float64))
        kept = fit_blend(settings, valid, rating)
        shares = mean_weights(kept, valid.known)
        ends = rating_range(train) if settings.clip else None
        scores = {"valid": clip(out_of_fold(settings, valid, rating), ends), "test": clip(test.blended(kept), ends)}
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


def fit_blend(settings: BlendSettings, valid: Predicted, rating: Tensor) -> dict[str, Any]:
    """Return the weights that a checkpoint holds, fitted to ratings (n,) float64 where they are fitted at all."""
    n_members = len(valid.members)
    if settings.weights == "equal" or not len(rating):
        return {"shares": torch.full((n_members,), 1 / n_members, dtype=torch.float64)}
    shares = torch.from_numpy(fit_weights(valid.base.numpy(), valid.members.numpy(), rating.numpy()))
    rated = are_rated(valid.known)
    if settings.weights == "fitted" or not rated.any():
        return {"shares": shares}
    found = valid.at(rated)
    scale, error = fit_scale(found.known), rating[rated] - found.base
    moves = found.members - found.base
    return {"scale": scale, "by_features": fit_by_features(found.known, scale, moves, error, shares, settings.prior)}


def out_of_fold(settings: BlendSettings, valid: Predicted, rating: Tensor) -> np.ndarray:
    """Return the blend of validation, (n,), each tenth by weights that were fitted to the others.

    What was fitted to a rating says nothing of how well it is predicted.
    """
    scores, fold = np.empty(len(rating), np.float32), torch.arange(len(rating)) % FOLDS
    for one in range(min(FOLDS, len(rating))):
        kept = fit_blend(settings, valid.at(fold != one), rating[fold != one])
        scores[(fold == one).numpy()] = valid.at(fold == one).blended(kept)
    return scores


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
