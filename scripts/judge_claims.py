"""Write claims.csv: a verdict on each of the paper's claims."""

import argparse
import logging
from pathlib import Path

import pandas as pd

from deeprec.config.plan_files import ClaimsPlan, read_plan
from deeprec.evaluation.claims import VERDICTS, judge_claims
from deeprec.evaluation.tables import write_csv
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    verdicts = judge_claims(pd.read_csv(args.trainings), read_plan(args.plan, ClaimsPlan).groups)
    write_csv(verdicts, args.out)
    counts = verdicts["verdict"].value_counts()
    logging.info("claims: %s", ", ".join(f"{counts.get(v, 0)} {v}" for v in VERDICTS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", required=True, type=Path, help="trainings.csv")
    parser.add_argument(
        "--plan",
        required=True,
        type=Path,
        help="plan/claims.yaml",
    )
    parser.add_argument("--out", required=True, type=Path, help="claims.csv to write")
    console.run(main, parser)
