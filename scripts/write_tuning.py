"""Write the searches' outcome as a page in Markdown."""

import argparse
import json
from pathlib import Path

import pandas as pd

from deeprec import console
from deeprec.files import read_json, write_text
from deeprec.tuning import render_tuning


def main(args: argparse.Namespace) -> None:
    searches = {path.stem: pd.read_csv(path) for path in args.search}
    write_text(args.out, render_tuning(searches, json.loads(args.plan), read_json(args.stats)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", required=True, nargs="+", type=Path, help="the trials of each run (.csv)")
    parser.add_argument("--plan", required=True, help="data set, title, main split and search, as JSON")
    parser.add_argument("--stats", required=True, type=Path, help="stats.json of the main split")
    parser.add_argument("--out", required=True, type=Path, help="page to write (.md)")
    console.run(main, parser)
