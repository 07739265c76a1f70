"""Write claims.csv: a verdict on each of the paper's claims."""

import argparse
import json
import logging
from pathlib import Path

import pandas as pd

from deeprec import console
from deeprec.claims import CLAIMS, VERDICTS, judge
from deeprec.tables import write_csv


def main(args: argparse.Namespace) -> None:
    trainings = pd.read_csv(args.trainings)
    groups = json.loads(args.groups)
    runs = {f"{name}: {label}": run for name, labels in groups.items() for label, run in labels.items()}
    verdicts = pd.DataFrame([judge(claim, trainings, runs) for claim in CLAIMS])
    write_csv(verdicts, args.out)
    counts = verdicts["verdict"].value_counts()
    logging.info("claims: %s", ", ".join(f"{counts.get(v, 0)} {v}" for v in VERDICTS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", required=True, type=Path, help="trainings.csv")
    parser.add_argument("--groups", required=True, help="runs by label of each ablation and the final table, as JSON")
    parser.add_argument("--out", required=True, type=Path, help="claims.csv to write")
    console.run(main, parser)
