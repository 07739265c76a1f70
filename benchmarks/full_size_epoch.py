"""Training at Netflix's size: seconds to load a split, bytes a rating, seconds an epoch, and what all runs cost.

Take the folder of four splits that `partition_scale.py --folder` keeps. `--users N` trains on a part's first N
users (ids are drawn at random, so that they are a fair sample) and scales the seconds up by their batches.
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from plans import plan_of

from deeprec.config.run_settings import Run
from deeprec.data.matrix import RatingMatrix, read_part, read_train
from deeprec.runtime.provenance import machine, peak_memory, versions
from deeprec.runtime.training_process import prepare_training
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.training.loop import Learner, rmse
from deeprec.training.runs import make_learner

GPU = {"flops": 19.5e12, "bytes": 1.555e12}  # a second: NVIDIA's data sheet of the A100 40 GB, single precision


def first_users(matrix: RatingMatrix, n: int) -> RatingMatrix:
    """Return the matrix of the first `n` users."""
    end = int(matrix.offsets[n])
    return replace(matrix, offsets=matrix.offsets[: n + 1], columns=matrix.columns[:end], values=matrix.values[:end])


def epoch_arithmetic(settings: AutoEncoderSettings, n_users: int, n_items: int, n_ratings: int) -> tuple[float, float]:
    """Return an epoch's floating-point operations, and the bytes that its updates move (float32).

    A product of a weight matrix and a vector is 2 operations a weight forward, and as many for each of its two
    gradients; the outer layers see ratings only, but every item when re-fed. An update of SGD with momentum reads
    weight, gradient and momentum, writes two of them, and the gradient was written before.
    """
    first, *hidden = settings.hidden
    inner = 2 * sum(a * b for a, b in zip([first, *hidden], hidden, strict=False))
    passes = 1 + settings.refeed
    sparse = n_ratings * first * (4 + 6)  # input: no gradient of x; output: both
    # f(x), which no loss asks for whole; then input and output again.
    dense = n_users * n_items * first * (2 + settings.refeed * (4 + 6)) if settings.refeed else 0
    n_steps = settings.n_steps(n_users, n_items, n_ratings)
    weights = (inner + 2 * n_items * first) // (2 if settings.constrained else 1)
    return sparse + dense + passes * n_users * inner * 6, n_steps * passes * weights * 4 * 6


def time_epoch(run: Run, matrix: RatingMatrix) -> tuple[float, Learner]:
    """Return the seconds of a first epoch, and the learner after it."""
    learner = make_learner(run.with_seed(0), matrix, torch.device("cpu"))
    start = time.perf_counter()
    learner.train_epoch(1)
    return time.perf_counter() - start, learner


def show_epoch(split: Path, run: Run, n_users: int | None) -> None:
    """Load a split, train one epoch and print what both cost."""
    start = time.perf_counter()
    whole = read_train(split)
    loaded = time.perf_counter() - start
    size = sum(x.nbytes for x in (whole.offsets, whole.columns, whole.values))
    print(f"load: {loaded:.1f} s, {size / whole.n_ratings:.2f} bytes a rating, peak {peak_memory() / 1e6:,.0f} MB")
    matrix = first_users(whole, n_users) if n_users else whole
    seconds, learner = time_epoch(run, matrix)
    n_steps = run.settings.n_steps(matrix.n_rows, matrix.n_columns, matrix.n_ratings)
    print(
        f"{run.name}: {seconds:.1f} s for {n_steps:,} steps, {matrix.n_rows:,} users and {matrix.n_ratings:,} ratings; "
        f"{seconds * whole.n_rows / matrix.n_rows:.0f} s an epoch"
    )
    if matrix is whole:
        valid = read_part(split, "valid")
        start = time.perf_counter()
        score = rmse(learner.predict(valid), valid.rating)
        print(f"validation: {time.perf_counter() - start:.1f} s for {len(valid):,} ratings, RMSE {score:.4f}")
    print(f"peak {peak_memory() / 1e6:,.0f} MB")


def tabulate_runs(runs: Iterable[Run], splits: Path, n_users: int) -> list[dict[str, Any]]:
    """Time a sample of every deep run: a row a run, seconds and operations."""
    rows, read = [], cache(read_train)
    for run in runs:
        if not isinstance(run.settings, AutoEncoderSettings):
            continue
        whole, epochs = read(splits / run.split), run.settings.epochs
        seconds, _ = time_epoch(run, first_users(whole, n_users))
        seconds *= whole.n_rows / n_users
        flops, moved = epoch_arithmetic(run.settings, whole.n_rows, whole.n_columns, whole.n_ratings)
        row = {"run": run.name, "split": run.split, "epochs": epochs, "seconds": seconds}
        row |= {"hours": seconds * epochs / 3600, "tflop": flops / 1e12, "terabytes": moved / 1e12}
        row["gpu_seconds"] = flops / GPU["flops"] + moved / GPU["bytes"]
        rows.append(row)
        print(" ".join(f"{x:10.2f}" if isinstance(x, float) else f"{x!s:>24}" for x in row.values()), flush=True)
    return rows


def main(args: argparse.Namespace) -> None:
    prepare_training()
    torch.set_num_threads(args.threads)
    plan = plan_of("netflix")
    print(f"{machine()}, {args.threads} threads, {versions('torch')}; ratings are simulated")
    if not args.all:
        show_epoch(args.splits / "full", plan.run(args.run), args.users)
        return
    rows = tabulate_runs(plan.runs.values(), args.splits, args.users or 2560)
    n_seeds, hours = len(plan.config.seeds), sum(row["hours"] for row in rows)
    gpu_hours = sum(row["gpu_seconds"] * row["epochs"] for row in rows) / 3600
    print(f"{len(rows)} runs: {hours:,.0f} h a seed on this CPU, {n_seeds * hours:,.0f} h for {n_seeds} seeds")
    print(f"by arithmetic on one A100 at its peak (an estimate): {gpu_hours:,.2f} h a seed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", required=True, type=Path, help="folder of the splits 3m, 6m, 1y and full")
    parser.add_argument("--run", default="deeprec", help="run of config.yaml to train an epoch of, on full")
    parser.add_argument("--users", type=int, help="how many users to train on; all where absent")
    parser.add_argument("--all", action="store_true", help="time a sample of every deep run planned for Netflix")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    main(parser.parse_args())
