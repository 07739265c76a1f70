"""One training by the authors' program, evaluated by it too, in the form of one of ours."""

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch

from deeprec.config.run_settings import Run
from deeprec.data.text_format import PARTS
from deeprec.original import program
from deeprec.original.options import options_of
from deeprec.runtime.files import replacing, write_json
from deeprec.runtime.provenance import commit, machine, peak_memory, versions

OF_THE_MODEL = ("hidden_layers", "non_linearity_type", "drop_prob", "constrained", "skip_last_layer_nl")


def train_original(
    run: Run, data: Path, source: Path, out: Path, *, on_epoch: Callable[[int], object]
) -> dict[str, Any]:
    """Train a run of ours by the authors' program; write history, steps and, last, metrics.json; return the metrics.

    `data` is a folder of their text files, a folder a part. They evaluate validation after every epoch, and test once,
    with the weights of the best. Raises InputError where the program cannot train the run.
    """
    options = {**options_of(run), "path_to_train_data": data / "train"}
    with TemporaryDirectory() as folder:
        best = Path(folder, "best.pt")
        logged = program.train(
            source,
            # Steps are logged one by one, as ours are.
            {**options, "path_to_eval_data": data / "valid", "save_every": 1, "summary_frequency": 1},
            seed=run.seed,
            best=best,
            on_epoch=on_epoch,
        )
        history, steps = curves_of(logged)
        diverged = not np.isfinite(history[["train_rmse", "valid_rmse"]].to_numpy()).all()
        test_rmse = math.nan
        if not diverged:
            shape = {name: options[name] for name in OF_THE_MODEL if name in options}
            shape |= {"path_to_train_data": data / "train", "path_to_eval_data": data / "test", "save_path": best}
            test_rmse = program.evaluate(source, shape, Path(folder, "predictions.txt"))
        n_parameters = sum(w.numel() for w in torch.load(best).values()) if best.exists() else 0
    at = int(history["valid_rmse"].argmin()) if not diverged else 0
    metrics = {
        "status": "diverged" if diverged else "finished",
        "best_epoch": int(history["epoch"].iloc[at]),
        "valid_rmse": None if diverged else float(history["valid_rmse"].iloc[at]),
        "test_rmse": None if diverged else test_rmse,
        "epochs": len(history),
        "seconds": float(history["seconds"].iloc[-1]),
        "n_parameters": n_parameters,
        "peak_memory_bytes": peak_memory(),
        **{"n" if part == "test" else f"n_{part}": _lines(data / part) for part in PARTS},
        "commit": commit(),
        "machine": machine(),
        "versions": versions("torch"),
    }
    for name, table in (("history", history), ("steps", steps)):
        with replacing(out / f"{name}.parquet") as beside:
            table.to_parquet(beside, index=False)
    write_json(out / "metrics.json", metrics)
    return metrics


def curves_of(logged: dict[str, list[float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what the program logs as a history by epoch and a curve by step, with our columns."""
    n_epochs, n_steps = len(logged["EVALUATION_RMSE"]), len(logged["Training_RMSE"])
    epoch = np.arange(1, n_epochs + 1)
    history = pd.DataFrame(
        {
            "epoch": epoch,
            "step": epoch * (n_steps // n_epochs),
            "train_rmse": logged["Training_RMSE_per_epoch"],
            "valid_rmse": logged["EVALUATION_RMSE"],
            "seconds": np.cumsum(logged["Epoch_time"]) + np.cumsum(logged["Evaluation_time"]),
        }
    )
    steps = pd.DataFrame({"step": np.arange(1, n_steps + 1), "train_rmse": logged["Training_RMSE"]})
    return history, steps


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.txt"))
