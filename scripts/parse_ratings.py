"""Turn a data set's raw file into ratings.parquet and items.parquet."""

import argparse
import json
import logging
from pathlib import Path

from deeprec import console
from deeprec.ratings import write_table
from deeprec.sources import parse_ratings


def main(args: argparse.Namespace) -> None:
    source = parse_ratings(json.loads(args.dataset), args.manifest)
    write_table(source.items, args.items)
    if args.users:
        write_table(source.users, args.users)
    write_table(source.ratings, args.ratings)
    logging.info("%s: %s ratings", args.ratings, f"{source.ratings.num_rows:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="the data set's entry in the config, as JSON")
    parser.add_argument("--manifest", required=True, type=Path, help="names the raw file")
    parser.add_argument("--ratings", required=True, type=Path, help="ratings.parquet to write")
    parser.add_argument("--items", required=True, type=Path, help="items.parquet to write")
    parser.add_argument("--users", type=Path, help="users.parquet to write, of a source that knows users by name")
    console.run(main, parser)
