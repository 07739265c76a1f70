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
from deeprec.data.matrix import Part, read_part, read_train
from deeprec.evaluation.tables import read_parquet
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.original import program
from deeprec.original.options import FIRST, LATER, STABLE_LR, TOLERANCE, check_size, options_of
from deeprec.runtime.files import InputError
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.training.loop import rmse
from deeprec.training.runs import make_learner


def same_steps(run: Run, split: Path, data: Path, source: Path, n_steps: int) -> pd.DataFrame:
    """Train a run on both sides, without dropout and at STABLE_LR at most; return a row a step: its loss on each side.

    Losses are in stars², `apart` is how far they are from each other, relative. `split` and `data` hold the same
    ratings, in our form and theirs. The last row, of step 0, is the mean squared error on validation after the last
    epoch, which ends at or after `n_steps`.
    """
    lr = min(STABLE_LR, run.settings_as(AutoEncoderSettings).lr)
    run = run.with_settings(dropout=0.0, refeed_noise=0.0, drop_last=True, lr=lr)
    matrix, valid = read_train(split), read_part(split, "valid", dated=False)
    check_size(run, matrix.n_rows)
    learner = make_learner(run, matrix, torch.device("cpu"))
    assert isinstance(learner, AutoEncoderLearner), "options_of refuses all others"
    n_epochs = -(-n_steps // ((matrix.n_rows - 1) // learner.settings.batch_size))
    with TemporaryDirectory() as logs:
        weights = their_weights(learner.weights(), their_items(split))
        torch.save(weights, Path(logs, "model"))  # where their program looks for weights
        options = {**options_of(run.with_settings(epochs=n_epochs)), "logdir": logs}
        options |= {"path_to_train_data": data / "train", "path_to_eval_data": data / "valid"}
        logged = program.train(source, {**options, "summary_frequency": 1, "save_every": n_epochs}, shuffle=shuffle)
    theirs = np.square(np.append(logged["Training_RMSE"], logged["EVALUATION_RMSE"][-1]))
    ours = _losses(learner, valid, n_epochs)
    step = np.append(np.arange(1, len(ours)), 0)
    return pd.DataFrame({"step": step, "theirs": theirs, "ours": ours, "apart": np.abs(theirs / ours - 1)})


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

    That is TOLERANCE in the first steps. Later a rounding may tip a unit to the other side of its activation's bend, in
    either program, and it is LATER.
    """
    apart = steps["apart"]
    allowed = np.where(steps["step"].between(1, FIRST), TOLERANCE, LATER)
    if not (apart <= allowed).all():
        at = int(np.argmax(~(apart <= allowed)))
        raise InputError(
            f"run {run!r}: at step {steps['step'][at]} the losses of the authors' program and ours differ by "
            f"{apart[at]:.1e}; expected at most {allowed[at]:.0e}"
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
