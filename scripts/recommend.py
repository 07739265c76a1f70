"""Recommend items to users that a trained model knows, or to a new one by his ratings."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

from deeprec.runtime import addresses, console, process

process.pause_garbage_collection()

import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from deeprec.runtime.training_process import hide_sparse_warning, unwrap_optimizers
from deeprec.serving.loading import load
from deeprec.serving.recommender import Recommender, check_n
from deeprec.serving.tables import check_suffix, user_of, write_blocks


def main(args: argparse.Namespace) -> None:
    check_n(args.top)
    check_suffix(args.out)
    hide_sparse_warning()
    unwrap_optimizers()
    model = load(args.run, tracking_uri=args.tracking_uri)
    blocks = recommended(model, args)
    if args.out:
        tables = (pa.Table.from_pandas(block, preserve_index=False) for block in blocks)
        logging.info("%s: %d recommendations", args.out, write_blocks(tables, args.out))
    else:
        for block in blocks:
            print(block.to_string(index=False, float_format="{:.2f}".format), flush=True)


def recommended(model: Recommender, args: argparse.Namespace) -> Iterator[pd.DataFrame]:
    options = {"hide_seen": not args.show_seen, "clip": not args.no_clip}
    if args.ratings:
        yield user_of(model, args.ratings).recommend(args.top, **options)
    elif args.user:
        users = model.catalogue.users
        yield model.recommend(users.known[users.as_written.dense(args.user)], args.top, **options)
    else:
        with tqdm(desc="users", total=len(model.catalogue.users), unit=" users", disable=None) as bar:
            for block in model.recommend_all(args.top, **options):
                yield block
                bar.update(block["user_id"].nunique())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="folder of a training, results/DATASET/runs/RUN/seed_N, or models:/NAME@champion")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", nargs="+", help="ids of users that the model was trained on")
    who.add_argument("--ratings", type=Path, help="a new user's item_id, rating and perhaps date (.csv or .parquet)")
    who.add_argument("--all", action="store_true", help="every user that the model was trained on")
    parser.add_argument("--top", default=10, type=int, help="items a user")
    parser.add_argument("--show-seen", action="store_true", help="items that a user has rated may come up")
    parser.add_argument("--no-clip", action="store_true", help="leave predictions outside the range of the ratings")
    parser.add_argument("--out", type=Path, help="table to write (.csv or .parquet); it is printed where absent")
    parser.add_argument(
        "--tracking-uri", type=addresses.store, default="sqlite:///results/mlflow.db", help="MLflow tracking URI"
    )
    console.run(main, parser)
