"""Whether both programs do the same work: the same loss at every step, from the same weights, over the same batches."""

import random
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deeprec.config.run_settings import Run
from deeprec.data.matrix import read_part, read_train
from deeprec.evaluation.tables import read_parquet, records
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.original import program
from deeprec.original.options import STABLE_LR, TOLERANCE, check_size, options_of
from deeprec.original.program import Weights
from deeprec.runtime.files import InputError
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.training.loop import rmse
from deeprec.training.runs import make_learner


def same_steps(run: Run, split: Path, data: Path, source: Path, n_steps: int) -> pd.DataFrame:
    """Train a run on both sides, without dropout and at STABLE_LR at most; return a row a step: both losses, stars².

    `split` and `data` hold the same ratings, in our form and theirs. In each epoch ours go on from the weights and
    momenta that theirs have then: a rounding that tips a unit to the other side of its activation's bend would grow,
    in either program, while a fault shows at once. Row 0 of an epoch is the mean squared error on validation after it;
    `apart` is how far both are from each other, relative. The last epoch ends at or after `n_steps`.
    """
    lr = min(STABLE_LR, run.settings_as(AutoEncoderSettings).lr)
    run = run.with_settings(dropout=0.0, refeed_noise=0.0, drop_last=True, lr=lr)
    matrix, valid = read_train(split), read_part(split, "valid", dated=False)
    check_size(run, matrix.n_rows)
    learner = make_learner(run, matrix, torch.device("cpu"))
    assert isinstance(learner, AutoEncoderLearner), "options_of refuses all others"
    a_pass, items = (matrix.n_rows - 1) // learner.settings.batch_size, their_items(split)
    n_epochs = -(-n_steps // a_pass)
    states: list[tuple[Weights, Weights]] = []
    with TemporaryDirectory() as logs:
        torch.save(their_layout(learner.weights(), items), Path(logs, "model"))  # where their program looks for weights
        options = {**options_of(run.with_settings(epochs=n_epochs)), "logdir": logs, "summary_frequency": 1}
        options |= {"path_to_train_data": data / "train", "path_to_eval_data": data / "valid", "save_every": 1}
        logged = program.train(source, options, shuffle=shuffle, on_state=lambda *state: states.append(deepcopy(state)))
    order = list(range(matrix.n_rows))
    shuffle(order)
    tables = []
    for epoch in range(1, n_epochs + 1):
        if epoch > 1:
            _take_over(learner, *(our_layout(state, items) for state in states[epoch - 2]))
        with mock.patch.object(torch, "randperm", lambda *_, **__: torch.tensor(order)):
            errors, counts = learner.train_epoch(epoch)
        first = (epoch - 1) * a_pass
        theirs = [*logged["Training_RMSE"][first : first + a_pass], logged["EVALUATION_RMSE"][epoch - 1]]
        ours = np.append(errors / counts, rmse(learner.predict(valid), valid.rating) ** 2)
        step = [*range(first + 1, first + a_pass + 1), 0]
        tables.append(pd.DataFrame({"epoch": epoch, "step": step, "theirs": np.square(theirs), "ours": ours}))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(apart=np.abs(table["theirs"] / table["ours"] - 1))


def _take_over(learner: AutoEncoderLearner, weights: Weights, momenta: Weights) -> None:
    learner.load(weights)
    for name, parameter in learner.model.named_parameters():
        learner.optimizer.state[parameter]["momentum_buffer"] = momenta[name]


def check_same(steps: pd.DataFrame, run: str) -> float:
    """Return the largest relative difference of the losses; raise InputError where it is more than TOLERANCE."""
    worst = max(records(steps), key=lambda row: np.nan_to_num(row["apart"], nan=np.inf))
    if not worst["apart"] <= TOLERANCE:
        at = f"step {worst['step']}" if worst["step"] else "validation"
        raise InputError(
            f"run {run!r}: epoch {worst['epoch']}, {at}: the losses of the authors' program and ours differ by "
            f"{worst['apart']:.1e}; expected at most {TOLERANCE}"
        )
    return float(worst["apart"])


def shuffle(keys: list[Any]) -> None:
    """Bring users into an order that can be repeated, the same in every epoch."""
    random.Random(0).shuffle(keys)


def their_items(split: Path) -> Tensor:
    """Return our number of each of their items, (n_items,): they number items as these first occur."""
    items = read_parquet(split / "train.parquet", "item")["item"]
    return torch.from_numpy(items.unique()).long()


def their_layout(ours: Weights, items: Tensor) -> Weights:
    """Return our parameters in the authors' layout: an encoder's layer lies there with its outputs first.

    `items` holds our number of each of their items, (n_items,).
    """
    return _by_item({name: _turned(name, w) for name, w in ours.items()}, items)


def our_layout(theirs: Weights, items: Tensor) -> Weights:
    """Return the authors' parameters in our layout, as `their_layout` takes them there."""
    return {name: _turned(name, w).contiguous() for name, w in _by_item(theirs, items.argsort()).items()}


def _turned(name: str, w: Tensor) -> Tensor:
    return w.T if name.startswith("encode_w") else w


def _by_item(theirs: Weights, items: Tensor) -> Weights:
    """Return parameters in the authors' layout with their items in another order."""
    last = max(int(name.partition(".")[2]) for name in theirs if name.startswith("decode_b"))
    moved = {"encode_w.0": lambda w: w[:, items]}
    moved |= dict.fromkeys([f"decode_w.{last}", f"decode_b.{last}"], lambda w: w[items])
    return {name: moved.get(name, lambda w: w)(w) for name, w in theirs.items()}
