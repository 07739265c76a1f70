"""Turn a data set's raw file into ratings.parquet and items.parquet."""

import argparse
import logging
from pathlib import Path

from deeprec.config.plan_files import read_plan
from deeprec.data.ratings import write_table
from deeprec.data.sources import parse_ratings
from deeprec.runtime import console
from deeprec.settings.sources import AnySource


def main(args: argparse.Namespace) -> None:
    tables = parse_ratings(read_plan(args.source, AnySource), args.manifest)
    write_table(tables.items, args.items)
    if args.users:
        write_table(tables.users, args.users)
    write_table(tables.ratings, args.ratings)
    logging.info("%s: %s ratings", args.ratings, f"{tables.ratings.num_rows:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, type=Path, help="plan/source.yaml")
    parser.add_argument("--manifest", required=True, type=Path, help="names the raw file")
    parser.add_argument("--ratings", required=True, type=Path, help="ratings.parquet to write")
    parser.add_argument("--items", required=True, type=Path, help="items.parquet to write")
    parser.add_argument("--users", type=Path, help="users.parquet to write, of a source that knows users by name")
    console.run(main, parser)
