"""Fit each model to simulated ratings in a process of its own; print seconds and peak memory as a table.

    python benchmarks/scale_models.py                                  10 million ratings, 50,000 × 10,000
    python benchmarks/scale_models.py --models als rrn --ratings 1e6   fewer models and ratings

Users and items are as skewed as real ones: a few hold most ratings. Peak memory is that of the whole process
less what it holds after its imports, so the ratings themselves count.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import yaml

from deeprec.config import load_plan
from deeprec.matrix import read_train
from deeprec.provenance import machine
from deeprec.runs import DATED, choose_device, make_learner

ROOT = Path(__file__).parent.parent
N_DAYS = 730


def simulate_ratings(n_ratings: int, n_users: int, n_items: int, seed: int) -> pa.Table:
    """Return ratings of distinct pairs, whole stars of three taste factors, ordered by user and item."""
    rng = np.random.default_rng(seed)
    user, item = _pairs(rng, n_ratings, n_users, n_items)
    taste, kind = (rng.normal(0, 0.5, (n, 3)).astype(np.float32) for n in (n_users, n_items))
    stars = 3.6 + np.einsum("nk,nk->n", taste[user], kind[item]) + rng.normal(0, 0.8, len(user)).astype(np.float32)
    date = (10_000 + rng.integers(0, N_DAYS, len(user))).astype(np.int32)
    rating = stars.round().clip(1, 5).astype(np.int8)
    return pa.table({"user": user, "item": item, "rating": rating, "date": pa.array(date, pa.date32())})


def _pairs(rng: np.random.Generator, n_ratings: int, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    users, items = (rng.permutation(n) for n in (n_users, n_items))
    keys = np.empty(0, np.int64)
    while len(keys) < n_ratings:
        n = int((n_ratings - len(keys)) * 1.3) + 1000
        # The cube of a uniform number: half of all ratings go to an eighth of the items.
        user = users[(n_users * rng.random(n) ** 2).astype(np.int64)]
        item = items[(n_items * rng.random(n) ** 3).astype(np.int64)]
        keys = np.unique(np.concatenate([keys, user * n_items + item]))
    keys = np.sort(rng.permutation(keys)[:n_ratings])
    return (keys // n_items).astype(np.int32), (keys % n_items).astype(np.int32)


def write_split(folder: Path, n_ratings: int, n_users: int, n_items: int) -> None:
    """Write what a training reads: the train part and the id maps."""
    table = simulate_ratings(n_ratings, n_users, n_items, seed=0)
    pq.write_table(table, folder / "train.parquet")
    for name, n in (("users", n_users), ("items", n_items)):
        pq.write_table(pa.table({name: np.arange(n, dtype=np.int32)}), folder / f"{name}.parquet")


def measure(settings: dict[str, Any], folder: Path, device: torch.device, epochs: int) -> dict[str, Any]:
    """Fit one model here and return its seconds to set up, of the fastest epoch, and peak memory (bytes)."""
    before = psutil.Process().memory_info().rss
    # Linux counts the peak from here on; before, it includes what the parent held when this process forked.
    Path("/proc/self/clear_refs").write_text("5")
    matrix = read_train(folder, dated=settings["model"] in DATED)
    start = time.perf_counter()
    learner = make_learner(settings, matrix, device)
    setup, seconds = time.perf_counter() - start, []
    for epoch in range(epochs):
        start, cpu = time.perf_counter(), time.process_time()
        errors, counts = learner.train_epoch(epoch + 1)
        seconds.append((time.perf_counter() - start, time.process_time() - cpu))
    peak = _peak_memory() - before
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    rmse = float(np.sqrt(errors.sum() / counts.sum()))
    best, cpu = min(seconds)
    return {
        "setup": setup,
        "seconds": best,
        "cpu": cpu,
        "peak": peak,
        "n": matrix.n_ratings,
        "train_rmse": rmse,
    }


def _peak_memory() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def settings_of(run: str) -> dict[str, Any]:
    """Return a run's settings for Netflix from config.yaml, since its steps suit many ratings."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return {**load_plan({**config, "dataset": "netflix"}).run_settings(run), "seed": 0}


def main(args: argparse.Namespace) -> None:
    """Measure each model in a fresh process and print the table, a row when it is there."""
    if args.split:
        torch.set_num_threads(args.threads)
        device = choose_device(args.device)
        print(json.dumps(measure(settings_of(args.models[0]), args.split, device, args.epochs)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_split(Path(folder), int(args.ratings), args.users, args.items)
        _print_table(folder, args)


def _print_table(folder: str, args: argparse.Namespace) -> None:
    print(
        f"{int(args.ratings):,} ratings, {args.users:,} users × {args.items:,} items; "
        f"{args.threads} threads, {machine()}"
    )
    print("| model | set-up (s) | epoch (s) | of CPU (s) | peak memory (MB) | bytes a rating | training RMSE |")
    print("|---|---|---|---|---|---|---|")
    for name in args.models:
        m = _measure_apart(name, folder, args)
        print(
            f"| {name} | {m['setup']:.1f} | {m['seconds']:.2f} | {m['cpu']:.2f} | {m['peak'] / 1e6:,.0f} "
            f"| {m['peak'] / m['n']:.0f} | {m['train_rmse']:.3f} |",
            flush=True,
        )


def _measure_apart(name: str, folder: str, args: argparse.Namespace) -> dict[str, Any]:
    options = ["--device", args.device, "--threads", str(args.threads), "--epochs", str(args.epochs)]
    command = [sys.executable, __file__, "--split", folder, "--models", name, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    models = ["bias", "pca", "als", "pmf", "i_autorec", "u_autorec"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=models, choices=[*models, "rrn", "deeprec"], help="runs of config.yaml"
    )
    parser.add_argument("--ratings", type=float, default=10_000_000, help="number of ratings")
    parser.add_argument("--users", type=int, default=50_000, help="number of users")
    parser.add_argument("--items", type=int, default=10_000, help="number of items")
    parser.add_argument("--epochs", type=int, default=2, help="epochs a model, of which the fastest counts")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"], help="where to fit")
    parser.add_argument("--split", type=Path, help="measure one model here, on a folder that is already written")
    main(parser.parse_args())
