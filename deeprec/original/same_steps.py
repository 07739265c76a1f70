"""Whether both programs do the same work: the same loss at every step, from the same weights, over the same batches."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, RatingMatrix, read_part, read_train
from deeprec.evaluation.tables import read_parquet
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.original import program
from deeprec.original.options import STABLE_LR, TOLERANCE, check_size, options_of
from deeprec.runtime.files import InputError
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.training.loop import rmse
from deeprec.training.runs import make_learner

COPIES = 5  # that are moved: a deep network lets a rounding grow in one case of three
MARGIN = 10.0  # times the drift that one rounding of the first weights makes by then
ROUNDING = 2.0**-25  # half of fp32's last place, relative


def same_steps(run: Run, split: Path, data: Path, source: Path, n_steps: int) -> pd.DataFrame:
    """Train a run on both sides, without dropout and at STABLE_LR at most; return a row a step: its loss on each side.

    Losses are in stars². `split` and `data` hold the same ratings, in our form and theirs. Column `drift` is how far
    ours are at most from our own, from weights that are moved by one rounding, relative: what two true programs may
    differ by. The last row, of step 0, is the mean squared error on validation after the last epoch, which ends at or
    after `n_steps`.
    """
    lr = min(STABLE_LR, run.settings_as(AutoEncoderSettings).lr)
    run = run.with_settings(dropout=0.0, refeed_noise=0.0, drop_last=True, lr=lr)
    matrix, valid = read_train(split), read_part(split, "valid", dated=False)
    check_size(run, matrix.n_rows)
    learners = [_learner(run, matrix, copy) for copy in range(1 + COPIES)]
    n_epochs = -(-n_steps // ((matrix.n_rows - 1) // learners[0].settings.batch_size))
    with TemporaryDirectory() as logs:
        weights = their_weights(learners[0].weights(), their_items(split))
        torch.save(weights, Path(logs, "model"))  # where their program looks for weights
        options = {**options_of(run.with_settings(epochs=n_epochs)), "logdir": logs}
        options |= {"path_to_train_data": data / "train", "path_to_eval_data": data / "valid"}
        logged = program.train(source, {**options, "summary_frequency": 1, "save_every": n_epochs}, shuffle=shuffle)
    theirs = np.square(np.append(logged["Training_RMSE"], logged["EVALUATION_RMSE"][-1]))
    ours, *moved = (_losses(learner, valid, n_epochs) for learner in learners)
    drift = np.max([np.abs(losses / ours - 1) for losses in moved], axis=0)
    step = np.append(np.arange(1, len(ours)), 0)
    return pd.DataFrame({"step": step, "theirs": theirs, "ours": ours, "drift": drift})


def _learner(run: Run, matrix: RatingMatrix, copy: int) -> AutoEncoderLearner:
    """Return a learner: the first as its seed makes it, each other with weights that are moved by one rounding."""
    learner = make_learner(run, matrix, torch.device("cpu"))
    assert isinstance(learner, AutoEncoderLearner), "options_of refuses all others"
    torch.manual_seed(copy)
    with torch.no_grad():
        for weights in learner.model.parameters():
            weights.mul_(1 + ROUNDING * torch.randn_like(weights) if copy else 1)
    return learner


def _losses(learner: AutoEncoderLearner, valid: Part, n_epochs: int) -> np.ndarray:
    """Return the loss of each step, and the mean squared error on validation at the end, stars²."""
    order = list(range(learner.matrix.n_rows))
    shuffle(order)
    losses = []
    with mock.patch.object(torch, "randperm", lambda *_, **__: torch.tensor(order)):
        for epoch in range(1, n_epochs + 1):
            errors, counts = learner.train_epoch(epoch)
            losses += list(errors / counts)
    return np.array([*losses, rmse(learner.predict(valid), valid.rating) ** 2])


def check_same(steps: pd.DataFrame, run: str) -> float:
    """Return the largest relative difference of the losses; raise InputError where it is more than rounding makes.

    That is TOLERANCE, or MARGIN times what ours differ by so far from our own, moved by one rounding: a deep or re-fed
    network lets the smallest difference grow, in either program.
    """
    apart = np.abs(steps["theirs"] / steps["ours"] - 1)
    allowed = np.maximum(TOLERANCE, MARGIN * steps["drift"].cummax())
    if not (apart <= allowed).all():
        at = steps["step"][int(np.argmax(~(apart <= allowed)))]
        raise InputError(
            f"run {run!r}: at step {at} the losses of the authors' program and ours differ by {apart.max():.1e}; "
            f"expected at most {TOLERANCE}, or {MARGIN:.0f} times what one rounding makes"
        )
    return float(apart.max())


def shuffle(keys: list[Any]) -> None:
    """Bring users into an order that can be repeated, the same in every epoch."""
    random.Random(0).shuffle(keys)


def their_items(split: Path) -> Tensor:
    """Return our number of each of their items, (n_items,): they number items as these first occur."""
    items = read_parquet(split / "train.parquet", "item")["item"]
    return torch.from_numpy(items.unique()).long()


def their_weights(ours: dict[str, Tensor], items: Tensor) -> dict[str, Tensor]:
    """Return our parameters in the authors' layout: an encoder's layer lies there with its outputs first.

    `items` holds our number of each of their items, (n_items,).
    """
    theirs = {name: w.T if name.startswith("encode_w") else w for name, w in ours.items()}
    theirs["encode_w.0"] = theirs["encode_w.0"][:, items]
    last = max(int(name.partition(".")[2]) for name in ours if name.startswith("decode_b"))
    for name in (f"decode_w.{last}", f"decode_b.{last}"):
        if name in theirs:  # a constrained decoder has the encoder's weights
            theirs[name] = theirs[name][items]
    return theirs
