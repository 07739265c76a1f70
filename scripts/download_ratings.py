"""Bring a data set's raw file to this machine."""

import argparse
import json
from pathlib import Path

from deeprec import console
from deeprec.sources import download_ratings


def main(args: argparse.Namespace) -> None:
    download_ratings(json.loads(args.dataset), args.manifest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="the data set's entry in the config, as JSON")
    parser.add_argument("--manifest", required=True, type=Path, help="names the raw file, which lies beside it")
    console.run(main, parser)
