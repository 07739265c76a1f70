"""Fit each model to simulated ratings in a process of its own; print seconds and peak memory as a table.

    python benchmarks/scale_models.py                                  10 million ratings, 50,000 × 10,000
    python benchmarks/scale_models.py --models als rrn --ratings 1e6   fewer models and ratings

Users and items are as skewed as real ones: a few hold most ratings. Peak memory is that of the whole process
less what it holds after its imports, so the ratings themselves count.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plans import plan_of
from processes import in_a_process, peak_memory_of
from simulated import simulate, write_split

from deeprec.config.run_settings import Run
from deeprec.data.matrix import read_train
from deeprec.data.world import Size
from deeprec.runtime.provenance import machine
from deeprec.runtime.training_process import prepare_training
from deeprec.training.runs import choose_device, learner_of, make_learner

MODELS = ["bias", "pca", "als", "pmf", "i_autorec", "u_autorec"]


def measure(run: Run, folder: Path, device_name: str, threads: int, epochs: int) -> dict[str, Any]:
    """Fit one model here and return its seconds to set up, of the fastest epoch, and peak memory (bytes)."""
    prepare_training()
    torch.set_num_threads(threads)
    device, seconds = choose_device(device_name), []
    learner_of(type(run.settings))  # imports it
    with peak_memory_of() as memory:
        matrix = read_train(folder, dated=run.settings.dated)
        start = time.perf_counter()
        learner = make_learner(run, matrix, device)
        setup = time.perf_counter() - start
        for epoch in range(epochs):
            start, cpu = time.perf_counter(), time.process_time()
            errors, counts = learner.train_epoch(epoch + 1)
            seconds.append((time.perf_counter() - start, time.process_time() - cpu))
    best, cpu = min(seconds)
    return {
        "setup": setup,
        "seconds": best,
        "cpu": cpu,
        "peak": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else memory.peak,
        "n": matrix.n_ratings,
        "train_rmse": float(np.sqrt(errors.sum() / counts.sum())),
    }


def main(args: argparse.Namespace) -> None:
    """Measure each model in a fresh process and print the table, a row when it is there."""
    plan = plan_of("netflix")  # whose steps suit many ratings
    size = Size(int(args.ratings), args.users, args.items, noise=0.8, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        write_split(Path(folder), train=simulate(size, np.random.default_rng(0)))
        print(
            f"{size.n_ratings:,} ratings, {size.n_users:,} users × {size.n_items:,} items; "
            f"{args.threads} threads, {machine()}"
        )
        print("\n| model | set-up (s) | epoch (s) | of CPU (s) | peak memory (MB) | bytes a rating | training RMSE |")
        print("|---|---|---|---|---|---|---|")
        for name in args.models:
            run = plan.run(name).with_seed(0)
            m = in_a_process(measure, run, Path(folder), args.device, args.threads, args.epochs)
            print(
                f"| {name} | {m['setup']:.1f} | {m['seconds']:.2f} | {m['cpu']:.2f} | {m['peak'] / 1e6:,.0f} "
                f"| {m['peak'] / m['n']:.0f} | {m['train_rmse']:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=MODELS, choices=[*MODELS, "rrn", "deeprec"], help="runs of config.yaml"
    )
    parser.add_argument("--ratings", type=float, default=10_000_000, help="number of ratings")
    parser.add_argument("--users", type=int, default=50_000, help="number of users")
    parser.add_argument("--items", type=int, default=10_000, help="number of items")
    parser.add_argument("--epochs", type=int, default=2, help="epochs a model, of which the fastest counts")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"], help="where to fit")
    main(parser.parse_args())
