"""Split ratings by time into train, valid and test, with dense user and item indices."""

import argparse
import json
import logging
from pathlib import Path

import pyarrow.parquet as pq

from deeprec import console
from deeprec.files import write_json
from deeprec.ratings import write_table
from deeprec.splits import parse_split, split_ratings, split_stats


def main(args: argparse.Namespace) -> None:
    definition = json.loads(args.split)
    split = split_ratings(
        pq.read_table(args.ratings), parse_split(args.out.name, definition), definition["seed"]
    )
    tables = {**split.parts, "users": split.users, "items": split.items}
    for name, table in tables.items():
        write_table(table, args.out / f"{name}.parquet")
    stats = {"split": args.out.name, "definition": definition, **split_stats(split)}
    write_json(args.out / "stats.json", stats)
    counts = ", ".join(f"{part.num_rows:,} {name}" for name, part in split.parts.items())
    logging.info("%s: %s ratings", args.out, counts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", required=True, type=Path, help="ratings.parquet")
    parser.add_argument("--split", required=True, help="the split's definition with its seed, as JSON")
    parser.add_argument("--out", required=True, type=Path, help="folder to write; its name is the split's")
    console.run(main, parser)
