"""One training, of any model: epochs, validation, the best state, resuming and divergence."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from deeprec.data.matrix import Part, RatingMatrix
from deeprec.models.learners import Scorer
from deeprec.runtime import parallel
from deeprec.runtime.files import InputError, replacing
from deeprec.runtime.torch_files import read_torch

log = logging.getLogger(__name__)

DIVERGED_ABOVE = 10.0  # RMSE above which nothing is being learnt from ratings of 1 to 5 stars


class Learner(Scorer, Protocol):
    """What the loop asks of a model beside its predictions: one more epoch, and its whole state."""

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Train epoch `epoch` (from 1) and return each step's squared error and number of ratings, (steps,)."""

    def lr(self, epoch: int) -> float:
        """Return the learning rate of an epoch; NaN for a model that has none."""

    def weights(self) -> dict[str, Any]:
        """Return what `predict` needs, the part of the state that a checkpoint keeps."""

    def state(self) -> dict[str, Any]:
        """Return everything that the next epoch depends on beside the weights."""

    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Take over weights, and a state to train on from."""


@dataclass
class Progress:
    """A training after some epochs: its curve and its best state so far."""

    history: list[dict[str, float]] = field(default_factory=list)  # a row an epoch
    steps: list[dict[str, float]] = field(default_factory=list)  # training RMSE every few steps
    best_epoch: int = 0
    best_rmse: float = math.inf
    best_weights: dict[str, Any] | None = None
    diverged: bool = False
    seconds: float = 0.0  # of training and validation, without the time between a kill and its resumption

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    def is_done(self, epochs: int, patience: int = 0) -> bool:
        """Return whether no epoch follows: all are done, too many brought nothing better, or it diverged."""
        return self.diverged or self.epoch >= min(epochs, self.best_epoch + (patience or epochs))


def rmse(prediction: np.ndarray, rating: np.ndarray) -> float:
    """Return the root of the mean squared error over known ratings, in stars (slide 9)."""
    return math.sqrt(np.mean(np.square(prediction.astype(np.float64) - rating)))


def divergence_limit(train: RatingMatrix) -> float:
    """Return the RMSE above which nothing is being learnt: twice what predicting 0 for everything could err."""
    return 2.0 * max(abs(end) for end in (train.values.min().item(), train.values.max().item()))


def train(
    learner: Learner,
    valid: Part,
    epochs: int,
    *,
    diverged_above: float = DIVERGED_ABOVE,
    patience: int = 0,
    log_steps: int = 1,
    state_path: Path | None = None,
    save_seconds: float = 30.0,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Train until `epochs` are done, or `patience` epochs (0: never) without a better validation RMSE, or an RMSE is
    above `diverged_above`; go on from a state at `state_path`.

    The state is saved every `save_seconds` at an epoch's end, so that a killed training repeats at most that
    much and, all generators included, ends with the very numbers of an undisturbed one. Afterwards the
    learner holds the weights of the epoch with the lowest validation RMSE.
    """
    progress = _resume(learner, state_path)
    saved = time.monotonic()
    while not progress.is_done(epochs, patience):
        _one_epoch(learner, valid, progress, diverged_above, log_steps)
        done = progress.is_done(epochs, patience)
        if state_path and parallel.is_first() and (done or time.monotonic() - saved > save_seconds):
            _save(learner, progress, state_path)
            saved = time.monotonic()
        on_epoch(progress)
    if progress.best_weights is not None:
        learner.load(progress.best_weights)
    return progress


def _one_epoch(learner: Learner, valid: Part, progress: Progress, limit: float, log_steps: int) -> None:
    start, epoch = time.perf_counter(), progress.epoch + 1
    errors, counts = learner.train_epoch(epoch)
    train_rmse = _pooled(errors, counts)
    valid_rmse = parallel.from_first(lambda: rmse(learner.predict(valid), valid.rating))
    progress.seconds += time.perf_counter() - start
    first_step = int(progress.history[-1]["step"]) if progress.history else 0
    progress.history.append(
        {
            "epoch": epoch,
            "step": first_step + len(errors),
            "train_rmse": train_rmse,
            "valid_rmse": valid_rmse,
            "lr": learner.lr(epoch),
            "seconds": progress.seconds,
            "timestamp": int(time.time() * 1000),
        }
    )
    progress.steps += _curve(errors, counts, first_step, log_steps)
    # `not <=` is true of NaN, which every comparison denies.
    if not (train_rmse <= limit and valid_rmse <= limit):
        progress.diverged = True
    elif valid_rmse < progress.best_rmse:
        weights = {name: _copy(value) for name, value in learner.weights().items()}
        progress.best_epoch, progress.best_rmse, progress.best_weights = epoch, valid_rmse, weights


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def _pooled(errors: np.ndarray, counts: np.ndarray) -> float:
    # Sums over ratings, divided once: the original averages the batches' means, whatever their sizes.
    return math.sqrt(errors.sum() / counts.sum()) if np.isfinite(errors).all() else math.nan


def _curve(errors: np.ndarray, counts: np.ndarray, first: int, every: int) -> Iterator[dict[str, float]]:
    for start in range(0, len(errors), every):
        stop = min(start + every, len(errors))
        yield {"step": first + stop, "train_rmse": _pooled(errors[start:stop], counts[start:stop])}


def _save(learner: Learner, progress: Progress, path: Path) -> None:
    random = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():  # the run is on the CPU otherwise
        random["cuda"] = torch.cuda.get_rng_state()
    state = {
        # Not asdict(), which copies every weight.
        "progress": {field.name: getattr(progress, field.name) for field in fields(progress)},
        "weights": learner.weights(),
        "state": learner.state(),
        "random": random,
    }
    with replacing(path) as beside:
        torch.save(state, beside)


def has_state(path: Path) -> bool:
    """Return whether a state lies there to go on from; a damaged one is set aside, with a warning.

    Of several processes, all must ask.
    """
    fault = _fault_of(path) if path.exists() else "none there"
    parallel.wait_for_all()  # all have looked before one moves it
    if path.exists() and fault and parallel.is_first():
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        log.warning("%s; set aside as %s, and the training starts over", fault, aside.name)
    parallel.wait_for_all()
    return fault is None


def _fault_of(path: Path) -> str | None:
    """Say what is wrong with a state, None where nothing is."""
    try:
        read_torch(path)
    except InputError as error:
        return str(error)
    return None


def _resume(learner: Learner, path: Path | None) -> Progress:
    if path is None or not has_state(path):
        return Progress()
    state = read_torch(path)
    learner.load(state["weights"], state["state"])
    torch.set_rng_state(state["random"]["cpu"])
    if "cuda" in state["random"] and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["random"]["cuda"])
    return Progress(**state["progress"])
