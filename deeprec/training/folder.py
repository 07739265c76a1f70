"""What a training leaves in its folder: checkpoint, curve, predictions, and metrics last."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part
from deeprec.data.ratings import write_table
from deeprec.runtime import parallel
from deeprec.runtime.files import replacing, write_json
from deeprec.runtime.provenance import commit, machine, versions
from deeprec.training.loop import Progress, rmse


def write_folder(
    out: Path,
    run: Run,
    progress: Progress,
    weights: dict[str, Any],
    parts: dict[str, tuple[Part, np.ndarray]],
    measured: dict[str, Any],
) -> dict[str, Any]:
    """Write a run's folder and return its metrics.

    `parts` holds `valid` and `test`, each with its predictions, (n,) stars; `measured` what else the metrics tell.
    """
    for part, name in (("valid", "valid_predictions"), ("test", "predictions")):
        ratings, prediction = parts[part]
        table = {"user": ratings.user, "item": ratings.item, "rating": ratings.rating, "prediction": prediction}
        write_table(pa.table(table), out / f"{name}.parquet")
    test, prediction = parts["test"]
    finished = not progress.diverged
    metrics = {
        "status": "finished" if finished else "diverged",
        "best_epoch": progress.best_epoch or None,
        "valid_rmse": progress.best_rmse if finished else None,
        "test_rmse": rmse(prediction, test.rating) if finished else None,
        "last_train_rmse": _number(progress.history[-1]["train_rmse"]) if finished else None,
        "last_valid_rmse": progress.history[-1]["valid_rmse"] if finished else None,
        "n": len(test),
        "n_valid": len(parts["valid"][0]),
        "epochs": progress.epoch,
        "n_parameters": n_numbers(weights),
        "seconds": progress.seconds,
        **measured,
        "threads": torch.get_num_threads() * parallel.n_processes(),
        "processes": parallel.n_processes(),
        "machine": machine(),
        "versions": versions("torch", "numpy", "pandas", "pyarrow"),
        "commit": commit(),
    }
    with replacing(out / "checkpoint.pt") as beside:
        torch.save({"settings": run.as_dict(), "epoch": progress.best_epoch, "weights": weights}, beside)
    write_table(pa.Table.from_pylist(progress.history), out / "history.parquet")
    write_table(pa.Table.from_pylist(progress.steps), out / "steps.parquet")
    write_json(out / "metrics.json", metrics)
    return metrics


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None  # JSON has no NaN


def n_numbers(weights: Any) -> int:
    """Return how many numbers a checkpoint's tensors hold, those of a blend's members included."""
    if isinstance(weights, torch.Tensor):
        return weights.numel()
    inner = weights.values() if isinstance(weights, dict) else weights if isinstance(weights, list) else []
    return sum(n_numbers(value) for value in inner)
