"""A run's folder: from settings.yaml and a split to checkpoint, history, metrics and predictions."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, RatingMatrix, read_part, read_train
from deeprec.models.learners import learner_of, named
from deeprec.models.ranking import ranking_scores
from deeprec.runtime import parallel
from deeprec.runtime.files import InputError, read_json
from deeprec.runtime.provenance import peak_memory
from deeprec.settings.base import ModelSettings
from deeprec.settings.models import MODELS
from deeprec.training.folder import write_folder
from deeprec.training.loop import Learner, Progress, divergence_limit, train

log = logging.getLogger(__name__)

STEPS_KEPT = 2000  # points of the training curve by step


def choose_device(name: str) -> torch.device:
    """Return the device to train on; raise InputError where CUDA is asked for and absent."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device: found 'cuda', but no CUDA device is available; choose from auto, cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def make_learner(run: Run, matrix: RatingMatrix, device: torch.device) -> Learner:
    """Seed torch's generators and build the run's model on a training set; raise InputError where it has no seed."""
    if run.seed is None:
        raise InputError(f"run {run.name!r}: found no seed; expected one to train with")
    torch.manual_seed(run.seed)
    learner: Learner = learner_of(type(run.settings))(run.settings, matrix, device)
    return learner


def train_run(
    run: Run,
    split: Path,
    out: Path,
    *,
    device: torch.device,
    state_path: Path | None,
    save_seconds: float,
    on_epoch: Callable[[Progress], None],
) -> tuple[Progress, dict[str, Any]]:
    """Train one run with one seed and write its folder, metrics.json last; return the curve and the metrics.

    A blend is made of its members' folders, which lie beside `out`'s.

    Of several processes, the first writes, and the others have no metrics. Raises InputError where several cannot
    train the model together, and where `split` is another split than the run's.
    """
    if parallel.n_processes() > 1 and not run.settings.shared:
        raise InputError(
            f"run {run.name!r}: found {parallel.n_processes()} processes for a model {run.model!r}; "
            f"expected one, or a model of {', '.join(name for name, kind in MODELS.items() if kind.shared)}"
        )
    _check_split(run, split)
    if run.settings.maker:
        made: tuple[Progress, dict[str, Any]] = named(run.settings.maker)(run, split, out)
        return made
    before = psutil.Process().memory_info().rss
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    matrix, valid = read_train(split, dated=run.settings.dated), read_part(split, "valid")
    learner = make_learner(run, matrix, device)
    progress = train(
        learner,
        valid,
        run.settings.epochs,
        diverged_above=divergence_limit(matrix),
        patience=run.settings.patience,
        log_steps=_steps_a_point(run.settings, matrix),
        state_path=state_path,
        save_seconds=save_seconds,
        on_epoch=on_epoch,
    )
    if not parallel.is_first():
        return progress, {}
    # The test part is read only now, once, when validation has chosen.
    parts = {"valid": valid, "test": read_part(split, "test")}
    measured = {
        "n_users": matrix.n_rows,
        "n_items": matrix.n_columns,
        "n_train": matrix.n_ratings,
        "peak_memory_bytes": peak_memory(),
        "added_memory_bytes": max(0, peak_memory() - before),  # the kernel counts some pages late
        "peak_gpu_memory_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else 0,
        "device": str(device),
    }
    if not progress.diverged:
        measured |= ranking_scores(learner, matrix, valid, parts["test"], run.relevant)
    found = {name: (part, _predicted(learner, progress, part)) for name, part in parts.items()}
    return progress, write_folder(out, run, progress, learner.weights(), found, measured)


def _check_split(run: Run, split: Path) -> None:
    """Raise InputError where a folder holds another split than the run's, as its stats.json says."""
    if not (split / "stats.json").exists():
        return
    stats = read_json(split / "stats.json", "split")
    found = stats.get("split"), stats.get("definition")
    expected = run.split, run.split_definition.model_dump(mode="json")
    if found[1] is not None and found != expected:
        raise InputError(
            f"{split}: found the split {found[0]!r}, {found[1]}; expected that of run {run.name!r}, "
            f"{expected[0]!r}, {expected[1]}"
        )


def _steps_a_point(settings: ModelSettings, matrix: RatingMatrix) -> int:
    """Return how many steps make one point of the kept curve."""
    n_steps = settings.epochs * settings.n_steps(matrix.n_rows, matrix.n_columns, matrix.n_ratings)
    return max(1, n_steps // STEPS_KEPT)


def _predicted(learner: Learner, progress: Progress, part: Part) -> np.ndarray:
    """Return the best state's predictions, (n,) stars; a diverged run has none, NaN in their place."""
    return np.full(len(part), np.nan, np.float32) if progress.diverged else learner.predict(part)
