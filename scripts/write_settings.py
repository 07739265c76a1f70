"""Write the settings.yaml of a run, one a seed, from which the training starts."""

import argparse
import json
from pathlib import Path

from deeprec import console
from deeprec.settings import write_settings


def main(args: argparse.Namespace) -> None:
    settings = json.loads(args.settings)
    for seed in args.seeds:
        write_settings({**settings, "seed": seed}, args.out / f"seed_{seed}" / "settings.yaml")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="the run's settings, as JSON")
    parser.add_argument("--seeds", required=True, nargs="+", type=int, help="the seeds to train")
    parser.add_argument("--out", required=True, type=Path, help="the run's folder")
    console.run(main, parser)
