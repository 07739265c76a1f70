"""Keep a run's verdicts and scores in docs/published/, for the report to compare any later run of the data set with."""

import argparse
import csv
import logging
from pathlib import Path

from deeprec.runtime import console
from deeprec.runtime.files import replacing
from deeprec.runtime.published import FOLDER, KEPT, SCORES, read_rows, to_publish


def main(args: argparse.Namespace) -> None:
    tables, folder = args.results / "tables", FOLDER / args.results.resolve().name
    kept = to_publish(
        read_rows(tables / "claims.csv", *KEPT),
        read_rows(tables / "final.csv", "model"),
        read_rows(tables / "trainings.csv", "commit"),
    )
    for (name, rows), columns in zip(kept.items(), (KEPT, SCORES), strict=True):
        with replacing(folder / f"{name}.csv") as beside, beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*columns, "commit"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    logging.info("%s: %d verdicts, %d scores", folder, len(kept["claims"]), len(kept["final"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of a data set's results, results/DATASET")
    console.run(main, parser)
