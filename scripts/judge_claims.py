"""Write claims.csv, a verdict on each of the paper's claims, and own_claims.csv, on those of ours."""

import argparse
import logging
from pathlib import Path

from deeprec.config.plan_files import ClaimsPlan, read_plan
from deeprec.evaluation.claims import VERDICTS, judge_claims
from deeprec.evaluation.own_claims import judge_own
from deeprec.evaluation.tables import rating_range, read_csv, write_csv
from deeprec.runtime import console

TRAINING = ("run", "seed", "status", "valid_rmse", "test_rmse")  # columns that claims are judged by


def main(args: argparse.Namespace) -> None:
    plan, trainings = read_plan(args.plan, ClaimsPlan), read_csv(args.trainings, *TRAINING)
    datasets = read_csv(args.datasets, "part", "min_rating", "max_rating")
    papers = judge_claims(trainings, plan.groups, rating_range(datasets))
    own = judge_own(trainings, plan.groups, plan.changes)
    for verdicts, path, whose in ((papers, args.out, "the paper's"), (own, args.own, "ours")):
        write_csv(verdicts, path)
        counts = verdicts["verdict"].value_counts()
        if len(verdicts):
            logging.info("claims of %s: %s", whose, ", ".join(f"{counts[v]} {v}" for v in VERDICTS if v in counts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", required=True, type=Path, help="trainings.csv")
    parser.add_argument("--datasets", required=True, type=Path, help="datasets.csv, which has the ratings' range")
    parser.add_argument(
        "--plan",
        required=True,
        type=Path,
        help="plan/claims.yaml",
    )
    parser.add_argument("--out", required=True, type=Path, help="claims.csv to write")
    parser.add_argument("--own", required=True, type=Path, help="own_claims.csv to write")
    console.run(main, parser)
