"""Split ratings by time into train, valid and test, with dense user and item indices."""

import argparse
import json
import logging
from pathlib import Path

from deeprec import console
from deeprec.files import write_json
from deeprec.splits import PARTS, parse_split, split_ratings


def main(args: argparse.Namespace) -> None:
    definition = json.loads(args.split)
    stats = split_ratings(args.ratings, args.out, parse_split(args.out.name, definition), definition["seed"])
    write_json(args.out / "stats.json", {"split": args.out.name, "definition": definition, **stats})
    counts = ", ".join(f"{stats[part]['n_ratings']:,} {part}" for part in PARTS)
    logging.info("%s: %s ratings", args.out, counts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", required=True, type=Path, help="ratings.parquet")
    parser.add_argument("--split", required=True, help="the split's definition with its seed, as JSON")
    parser.add_argument("--out", required=True, type=Path, help="folder to write; its name is the split's")
    console.run(main, parser)
