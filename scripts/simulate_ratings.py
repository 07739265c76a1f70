"""Simulate ratings, as an archive in Netflix's raw layout."""

import argparse
import json
from pathlib import Path

from deeprec import console
from deeprec.files import write_json
from deeprec.simulated_archive import simulate_ratings


def main(args: argparse.Namespace) -> None:
    simulate_ratings(json.loads(args.dataset), args.archive, args.truth)
    write_json(args.manifest, {"path": args.archive.name, "origin": "simulated"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="the data set's entry in the config, as JSON")
    parser.add_argument("--archive", required=True, type=Path, help=".tar.gz to write")
    parser.add_argument("--truth", required=True, type=Path, help="JSON to write: sizes, seed and noise floor")
    parser.add_argument("--manifest", required=True, type=Path, help="names the archive, which lies beside it")
    console.run(main, parser)
