"""Whether both programs do the same work: the same loss at every step, from the same weights, over the same batches."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
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
from deeprec.models.network import PRECISIONS
from deeprec.original import program
from deeprec.original.options import TOLERANCE, check_size, options_of
from deeprec.original.program import Weights
from deeprec.runtime.files import InputError
from deeprec.training.loop import rmse
from deeprec.training.runs import make_learner


def same_steps(run: Run, split: Path, data: Path, source: Path, n_steps: int) -> pd.DataFrame:
    """Train a run on both sides, without dropout, in double precision; return a row a step: both losses, stars².

    `split` and `data` hold the same ratings, in our form and theirs. In single precision a rounding that tips a unit to
    the other side of its activation's bend grows from step to step, in either program, until nothing can be said of the
    mathematics; in double, 100 steps stay far below any fault. Row 0 of an epoch is the mean squared error on
    validation after it; `apart` is how far both are from each other, relative. The last epoch ends at or after
    `n_steps`.
    """
    run = run.with_settings(dropout=0.0, refeed_noise=0.0, drop_last=True)
    matrix, valid = read_train(split), read_part(split, "valid", dated=False)
    check_size(run, matrix.n_rows)
    with double_precision(), TemporaryDirectory() as logs:
        learner = make_learner(run, matrix, torch.device("cpu"))
        assert isinstance(learner, AutoEncoderLearner), "options_of refuses all others"
        a_pass = (matrix.n_rows - 1) // learner.settings.batch_size
        n_epochs = -(-n_steps // a_pass)
        start = their_layout(learner.weights(), their_items(split))
        torch.save(start, Path(logs, "model"))  # where their program looks for weights
        options = {**options_of(run.with_settings(epochs=n_epochs)), "logdir": logs, "summary_frequency": 1}
        options |= {"path_to_train_data": data / "train", "path_to_eval_data": data / "valid", "save_every": 1}
        logged = program.train(source, options, shuffle=shuffle)
        order = list(range(matrix.n_rows))
        shuffle(order)
        tables = []
        for epoch in range(1, n_epochs + 1):
            with mock.patch.object(torch, "randperm", lambda *_, **__: torch.tensor(order)):
                errors, counts = learner.train_epoch(epoch)
            first = (epoch - 1) * a_pass
            theirs = [*logged["Training_RMSE"][first : first + a_pass], logged["EVALUATION_RMSE"][epoch - 1]]
            ours = np.append(errors / counts, rmse(learner.predict(valid), valid.rating) ** 2)
            step = [*range(first + 1, first + a_pass + 1), 0]
            tables.append(pd.DataFrame({"epoch": epoch, "step": step, "theirs": np.square(theirs), "ours": ours}))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(apart=np.abs(table["theirs"] / table["ours"] - 1))


@contextmanager
def double_precision() -> Iterator[None]:
    """Let both programs compute in float64, wherever they ask for float32."""
    kind = torch.get_default_dtype()
    with (
        mock.patch.object(Tensor, "float", Tensor.double),
        mock.patch.object(torch, "FloatTensor", torch.DoubleTensor),
        mock.patch.object(torch.sparse, "FloatTensor", torch.sparse.DoubleTensor),  # type: ignore[attr-defined]
        mock.patch.dict(PRECISIONS, fp32=torch.float64),
    ):
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(kind)


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
    last = max(int(name.partition(".")[2]) for name in ours if name.startswith("decode_b"))
    moved = {"encode_w.0": lambda w: w[:, items]}
    moved |= dict.fromkeys([f"decode_w.{last}", f"decode_b.{last}"], lambda w: w[items])
    turned = {name: w.T if name.startswith("encode_w") else w for name, w in ours.items()}
    return {name: moved.get(name, lambda w: w)(w) for name, w in turned.items()}
