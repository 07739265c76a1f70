"""Keep a run's verdicts in workflow/published/, for the report to compare any later run of the data set with."""

import argparse
import csv
import logging
from pathlib import Path

from deeprec.runtime import console
from deeprec.runtime.files import replacing
from deeprec.runtime.published import FOLDER, KEPT, read_rows, to_publish


def main(args: argparse.Namespace) -> None:
    tables = args.results / "tables"
    rows = to_publish(read_rows(tables / "claims.csv", *KEPT), read_rows(tables / "trainings.csv", "commit"))
    out = FOLDER / f"{args.results.resolve().name}.csv"
    with replacing(out) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*KEPT, "commit"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    logging.info("%s: %d verdicts", out, len(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of a data set's results, results/DATASET")
    console.run(main, parser)
