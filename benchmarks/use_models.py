"""How soon a trained model answers: ten best items for one user, and for all users, streamed to a Parquet file.

    python benchmarks/use_models.py                        MovieLens 100K's size, and Netflix's users × items
    python benchmarks/use_models.py --models als --few     one model, at MovieLens 100K's size alone

The ratings are simulated and the weights are those before training, on which no time depends. Netflix's size has ten
million ratings here: what an answer costs follows users and items. Memory is the stream's peak beyond what lay there
before: ratings, weights, ids and titles.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from plans import plan_of
from processes import in_a_process, peak_memory_of
from simulated import simulate, write_split

from deeprec.data.matrix import read_train
from deeprec.data.world import Size
from deeprec.models.factors import rating_range
from deeprec.runtime.provenance import machine
from deeprec.runtime.training_process import hide_sparse_warning, unwrap_optimizers
from deeprec.serving.catalogue import Catalogue
from deeprec.serving.recommender import Recommender
from deeprec.serving.tables import write_blocks
from deeprec.training.runs import make_learner

SIZES = {"movielens-100k": Size(69_575, 943, 1_574, 0.8, 0), "netflix": Size(10_000_000, 480_189, 17_770, 0.8, 0)}
MODELS = ["als", "i_autorec", "u_autorec", "rrn", "deeprec"]
ASKED = 30  # users whose answers are timed


def model_of(name: str, dataset: str, folder: Path) -> Recommender:
    """Return a model of config.yaml for a data set, untrained, on the ratings of a folder."""
    run = plan_of(dataset).run(name).with_seed(0)
    train = read_train(folder / "split", dated=run.settings.dated)
    scorer = make_learner(run, train, torch.device("cpu"))
    return Recommender(run, scorer, train, Catalogue.read(folder, folder / "split"), rating_range(train))


def measure(name: str, dataset: str, folder: Path, threads: int, n_users: int) -> dict[str, Any]:
    """Time one user's ten best, a new user's, and those of `n_users` streamed to a file; seconds, bytes."""
    hide_sparse_warning()  # as scripts/recommend.py does
    unwrap_optimizers()
    torch.set_num_threads(threads)
    model = model_of(name, dataset, folder)
    users, items = model.catalogue.users.known, model.catalogue.items.known
    found: dict[str, Any] = {"first": _seconds(lambda: model.recommend(users[0]))}
    found["one"] = statistics.median(_seconds(lambda u=user: model.recommend(u)) for user in users[1 : 1 + ASKED])
    ratings = {"item_id": items[:20], "rating": [4] * 20}
    found["new"] = statistics.median(_seconds(lambda: model.add_user(ratings).recommend(10)) for _ in range(ASKED))
    with peak_memory_of() as memory:
        start, cpu = time.perf_counter(), time.process_time()
        blocks = (pa.Table.from_pandas(block, preserve_index=False) for block in _some(model, n_users))
        n_rows = write_blocks(blocks, folder / f"{name}.parquet")
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {**found, "a_second": n_rows / 10 / seconds, "a_cpu_second": n_rows / 10 / cpu, "peak": memory.peak}


def _some(model: Recommender, n_users: int) -> Iterator[pd.DataFrame]:
    blocks, n = model.recommend_all(10), 0
    for block in blocks:
        yield block
        n += block["user_id"].nunique()
        if n >= n_users:
            return


def _seconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main(args: argparse.Namespace) -> None:
    """Measure each model in a fresh process and print a row when it is there."""
    for dataset, size in islice(SIZES.items(), 1 if args.few else 2):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "split").mkdir()
            write_split(folder / "split", train=simulate(size, np.random.default_rng(0)))
            titles = {"title": [f"Film {n}" for n in range(size.n_items)], "year": np.full(size.n_items, 1999)}
            pd.DataFrame({"item_id": np.arange(size.n_items), **titles}).to_parquet(folder / "items.parquet")
            print(f"\n{size.n_users:,} users × {size.n_items:,} items; {args.threads} threads, {machine()}\n")
            print(
                "| model | first (ms) | next (ms) | a new user (ms) | users a second | … of processor | memory (MB) |"
            )
            print("|---|---|---|---|---|---|---|")
            for model in args.models:
                m = in_a_process(measure, model, dataset, folder, args.threads, args.users)
                print(
                    f"| {model} | {1e3 * m['first']:.1f} | {1e3 * m['one']:.1f} | {1e3 * m['new']:.1f} "
                    f"| {m['a_second']:,.0f} | {m['a_cpu_second']:,.0f} | {m['peak'] / 1e6:,.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS, help="runs of config.yaml")
    parser.add_argument("--few", action="store_true", help="MovieLens 100K's size alone")
    parser.add_argument("--users", type=int, default=480_189, help="users to recommend to in the stream, at most")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    main(parser.parse_args())
