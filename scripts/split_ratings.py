"""Split ratings by time into train, valid and test, with dense user and item indices."""

import argparse
import logging
from pathlib import Path

from deeprec.config.plan_files import read_plan
from deeprec.data.splits import PARTS, split_ratings
from deeprec.runtime import console
from deeprec.runtime.files import write_json
from deeprec.settings.splits import TimeSplit


def main(args: argparse.Namespace) -> None:
    split: TimeSplit = read_plan(args.split, TimeSplit)
    stats = split_ratings(args.ratings, args.out, split)
    definition = split.model_dump(mode="json")
    write_json(args.out / "stats.json", {"split": args.out.name, "definition": definition, **stats})
    counts = ", ".join(f"{stats[part]['n_ratings']:,} {part}" for part in PARTS)
    logging.info("%s: %s ratings", args.out, counts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", required=True, type=Path, help="ratings.parquet")
    parser.add_argument("--split", required=True, type=Path, help="plan/splits/SPLIT.yaml")
    parser.add_argument("--out", required=True, type=Path, help="folder to write; its name is the split's")
    console.run(main, parser)
