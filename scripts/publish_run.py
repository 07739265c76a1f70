"""Keep a run's verdicts in workflow/published/, for the report to compare any later run of the data set with."""

import argparse
import logging
from pathlib import Path

from deeprec.evaluation.published import FOLDER, to_publish
from deeprec.evaluation.tables import read_csv, write_csv
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    tables = args.results / "tables"
    claims = read_csv(tables / "claims.csv", "claim", "verdict")
    trainings = read_csv(tables / "trainings.csv", "commit")
    out = FOLDER / f"{args.results.resolve().name}.csv"
    write_csv(to_publish(claims, trainings), out)
    logging.info("%s: %d verdicts", out, len(claims))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of a data set's results, results/DATASET")
    console.run(main, parser)
