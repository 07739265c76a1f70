"""Predict the ratings of pairs of users and items, with a trained model."""

import argparse
import logging
from pathlib import Path

from deeprec.runtime import addresses, console, process

process.pause_garbage_collection()

from tqdm import tqdm

from deeprec.runtime.training_process import hide_sparse_warning, unwrap_optimizers
from deeprec.serving.loading import load
from deeprec.serving.tables import check_suffix, predict_pairs, write_blocks


def main(args: argparse.Namespace) -> None:
    check_suffix(args.out)
    hide_sparse_warning()
    unwrap_optimizers()
    model = load(args.run, tracking_uri=args.tracking_uri)
    bar = tqdm(predict_pairs(model, args.pairs, clip=not args.no_clip), "predictions", unit=" blocks", disable=None)
    n_pairs = write_blocks(bar, args.out)
    logging.info("%s: %d predictions", args.out, n_pairs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="folder of a training, results/DATASET/runs/RUN/seed_N, or models:/NAME@champion")
    parser.add_argument(
        "--pairs", required=True, type=Path, help="table with user_id, item_id and perhaps date (.csv or .parquet)"
    )
    parser.add_argument("--out", required=True, type=Path, help="table to write (.csv or .parquet)")
    parser.add_argument("--no-clip", action="store_true", help="leave predictions outside the range of the ratings")
    parser.add_argument(
        "--tracking-uri", type=addresses.store, default="sqlite:///results/mlflow.db", help="MLflow tracking URI"
    )
    console.run(main, parser)
