"""Our training and evaluation against the authors', on the same simulated ratings, in alternation.

    python benchmarks/compare_deeprecommender.py --original DIR
    python benchmarks/compare_deeprecommender.py --original DIR --ours "" "precision: bf16" --shapes 128,128,128

The authors' code is not part of this project: clone https://github.com/NVIDIA/DeepRecommender and name the
clone's folder. First a proof that both do the same work: without dropout, from the same weights, over the same
batches, they have the same loss at every step and the same validation RMSE. Then each is measured in turn in
a process of its own; ratios are medians over the turns. The ratings are as dense and as skewed as Netflix's.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import simulated
import torch
import yaml
from plans import plan_of
from processes import in_a_process, peak_memory_of

from deeprec.config.run_settings import Run
from deeprec.data.matrix import read_part, read_train
from deeprec.data.text_format import COLUMNS, write_part
from deeprec.data.world import Size
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.original import program
from deeprec.original.options import options_of
from deeprec.original.same_steps import check_same, same_steps
from deeprec.runtime.provenance import machine, versions
from deeprec.runtime.training_process import prepare_training
from deeprec.training.runs import make_learner

N_ITEMS, RATINGS_A_USER = 17_768, 205  # Netflix, full
HELD_OUT = 0.03  # of the evaluated users' ratings


def simulate(n_users: int, n_evaluated: int, n_items: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and validation ratings, by user and item.

    Items are numbered as they first occur, as the authors' reader does it, and all occur in training.
    """
    rng = np.random.default_rng(0)
    ratings = simulated.simulate(Size(RATINGS_A_USER * n_users, n_users, n_items, noise=0.8, seed=0), rng)
    ratings["item"] = pd.factorize(ratings["item"])[0].astype(np.int32)
    ratings = ratings.sort_values(["user", "item"], ignore_index=True)
    held = (ratings["user"] < n_evaluated) & (rng.random(len(ratings)) < HELD_OUT)
    held &= ratings["user"].duplicated() & ratings["item"].duplicated()
    return ratings[~held], ratings[held]


def write_ratings(folder: Path, n_users: int, n_evaluated: int, n_items: int = N_ITEMS) -> int:
    """Write both sides' files; return the number of training ratings."""
    parts = dict(zip(("train", "valid"), simulate(n_users, n_evaluated, n_items), strict=True))
    simulated.write_split(folder, **parts)
    for name, part in parts.items():
        write_part(pa.Table.from_pandas(part[COLUMNS], preserve_index=False), folder / name / "ratings.txt")
    return len(parts["train"])


def our_learner(folder: Path, run: Run) -> AutoEncoderLearner:
    """Return a learner with its training ratings, as `train_run` makes it."""
    prepare_training()
    return make_learner(run, read_train(folder), torch.device("cpu"))


def their_options(folder: Path, run: Run) -> dict[str, Any]:
    """Return our settings in the words of the authors' command line, and where their files lie."""
    paths = {"path_to_train_data": folder / "train", "path_to_eval_data": folder / "valid"}
    # It evaluates after the first epoch and the last.
    return {**options_of(run), **paths, "save_every": run.settings.epochs}


def measure_theirs(clone: Path, folder: Path, run: Run, threads: int) -> dict[str, float]:
    """Measure the authors' side: seconds of an epoch and of an evaluation, and peak memory in bytes."""
    torch.set_num_threads(threads)
    with peak_memory_of() as memory:
        logged = program.train(clone, their_options(folder, run))
    # The first of each warms up; the fastest is the least disturbed by what else the machine does.
    epoch, evaluation = (min(logged[tag][1:]) for tag in ("Epoch_time", "Evaluation_time"))
    return {"epoch": epoch, "evaluation": evaluation, "peak": memory.peak}


def measure_ours(folder: Path, run: Run, threads: int) -> dict[str, float]:
    """Measure our side likewise."""
    torch.set_num_threads(threads)
    epochs, evaluations = [], []
    with peak_memory_of() as memory:
        learner, valid = our_learner(folder, run), read_part(folder, "valid", dated=False)
        for epoch in range(run.settings.epochs):
            epochs.append(_seconds(learner.train_epoch, epoch + 1))
            evaluations.append(_seconds(learner.predict, valid))
    return {
        "epoch": min(epochs[1:]),
        "evaluation": min(evaluations[1:]),
        "peak": memory.peak,
    }


def _seconds(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def memory_theirs(clone: Path, folder: Path) -> int:
    """Return the peak of memory that reading the training ratings takes, bytes."""
    with peak_memory_of() as memory:
        data = program.read(clone, folder / "train")
        assert data.vector_dim == N_ITEMS
    return memory.peak


def memory_ours(folder: Path) -> int:
    """Return the same of our side."""
    prepare_training()
    with peak_memory_of() as memory:
        matrix = read_train(folder)
        assert matrix.n_columns == N_ITEMS
    return memory.peak


def ratio(theirs: list[float], ours: list[float]) -> float:
    """Return how many times less ours takes: the median over the turns."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))


def run_of(**changes: Any) -> Run:
    """Return an autoencoder's training from config.yaml, with changes of its settings."""
    return plan_of().run("refeed").with_seed(0).with_settings(lr=0.001, drop_last=True, epochs=4, **changes)


def show_proof(clone: Path, folder: Path, run: Run, n_steps: int) -> None:
    """Print whether both sides do the same work, and stop where they do not."""
    steps = in_a_process(same_steps, run, folder, folder, clone, n_steps)
    apart = check_same(steps, run.name)
    (theirs, ours), n_steps = (steps[side] for side in ("theirs", "ours")), int(steps["step"].max())
    print(
        f"same work, in fp64: {n_steps} losses from {theirs.iloc[0]:.4f} to {theirs.iloc[-2]:.4f} and validation "
        f"RMSE {theirs.iloc[-1] ** 0.5:.4f} (ours {ours.iloc[-1] ** 0.5:.4f}) differ by {apart:.1e} at most"
    )


def show_speed(args: argparse.Namespace, folder: Path, run: Run) -> None:
    """Measure both sides in turn, ours with each choice of settings, and print a line of each."""
    theirs, ours = [], {choice: [] for choice in args.ours}
    for _ in range(args.turns):
        theirs.append(in_a_process(measure_theirs, args.original, folder, run, args.threads))
        for choice, measured in ours.items():
            chosen = run.with_settings(**(yaml.safe_load(choice) or {}))
            measured.append(in_a_process(measure_ours, folder, chosen, args.threads))
    print("|  | step (ms) | epoch (s) | evaluation (ms a user) | peak (MB) |\n|---|---|---|---|---|")
    columns = {key: [m[key] for m in theirs] for key in theirs[0]}
    _print_row("the authors'", columns, args)
    for choice, measured in ours.items():
        mine = {key: [m[key] for m in measured] for key in columns}
        _print_row(f"ours, {choice or 'defaults'}", mine, args)
        epoch, evaluation, peak = (f"{ratio(columns[key], mine[key]):.2f}" for key in columns)
        print(f"| … times less | {epoch} | {epoch} | {evaluation} | {peak} |", flush=True)


def _print_row(name: str, columns: dict[str, list[float]], args: argparse.Namespace) -> None:
    epoch, evaluation, peak = (statistics.median(values) for values in columns.values())
    print(
        f"| {name} | {epoch / args.steps * 1e3:.1f} | {epoch:.2f} | {evaluation / args.evaluated * 1e3:.3f} "
        f"| {peak / 1e6:.0f} |"
    )


def show_memory(clone: Path, n_users: int) -> None:
    """Print what reading training ratings takes."""
    with TemporaryDirectory() as folder:
        n_ratings = write_ratings(Path(folder), n_users, 0)
        theirs, ours = in_a_process(memory_theirs, clone, Path(folder)), in_a_process(memory_ours, Path(folder))
    print(
        f"memory to read {n_ratings:,} training ratings, at the peak: the authors' {theirs / n_ratings:.0f} bytes "
        f"a rating, ours {ours / n_ratings:.1f}, {theirs / ours:.0f} times less"
    )


def main(args: argparse.Namespace) -> None:
    program.check_source(args.original)
    # One user more than the steps take: the authors leave out an epoch's last batch, full or not.
    n_users = args.steps * args.batch + 1
    print(f"{machine()}, {versions('torch')}, {args.threads} threads; batches of {args.batch}, dropout {args.dropout}")
    with TemporaryDirectory(dir=args.folder) as folder:
        n_ratings = write_ratings(Path(folder), n_users, args.evaluated)
        print(f"{n_ratings:,} ratings of {n_users:,} users and {N_ITEMS:,} items; {args.evaluated:,} users evaluated")
        for shape in args.shapes:
            for refeed in args.refeed:
                hidden = [int(width) for width in shape.split(",")]
                run = run_of(hidden=hidden, refeed=refeed, dropout=args.dropout, batch_size=args.batch)
                print(f"\n{shape}, {refeed} re-feeding steps", flush=True)
                show_proof(args.original, Path(folder), run, args.steps)
                show_speed(args, Path(folder), run)
    if args.memory_users:
        show_memory(args.original, args.memory_users)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--original", required=True, type=Path, help="clone of NVIDIA/DeepRecommender")
    parser.add_argument("--ours", nargs="+", default=[""], help="settings of ours, in YAML, each measured in turn")
    shapes = ["512,512,1024", "128,128,128", "128,128,128,128,128,128"]
    parser.add_argument("--shapes", nargs="+", default=shapes, help="sizes of the encoder's layers")
    parser.add_argument("--refeed", type=int, nargs="+", default=[1, 0], help="re-feeding steps an iteration")
    parser.add_argument("--dropout", type=float, default=0.8, help="drop probability where speed is measured")
    parser.add_argument("--batch", type=int, default=128, help="users a step")
    parser.add_argument("--steps", type=int, default=16, help="steps an epoch")
    parser.add_argument("--evaluated", type=int, default=500, help="users of the validation part")
    parser.add_argument("--turns", type=int, default=2, help="how often each is measured")
    parser.add_argument("--threads", type=int, default=2, help="of either side")
    parser.add_argument("--memory-users", type=int, default=24_000, help="to measure memory with, 205 ratings each")
    parser.add_argument("--folder", type=Path, help="where to put files for a while; the system's choice where absent")
    main(parser.parse_args())
