"""Simulate ratings, as an archive in Netflix's raw layout."""

import argparse
from pathlib import Path

from deeprec.config.plan_files import read_plan
from deeprec.data.simulated_archive import simulate_ratings
from deeprec.runtime import console
from deeprec.runtime.files import write_json
from deeprec.settings.sources import SimulatedSource


def main(args: argparse.Namespace) -> None:
    simulate_ratings(read_plan(args.source, SimulatedSource), args.archive, args.truth)
    write_json(args.manifest, {"path": args.archive.name, "origin": "simulated"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, type=Path, help="plan/source.yaml")
    parser.add_argument("--archive", required=True, type=Path, help=".tar.gz to write")
    parser.add_argument("--truth", required=True, type=Path, help="JSON to write: sizes, seed and noise floor")
    parser.add_argument("--manifest", required=True, type=Path, help="names the archive, which lies beside it")
    console.run(main, parser)
