"""Create the MLflow store and a data set's experiment, if they are not there yet."""

import argparse
from pathlib import Path

from deeprec.runtime import console
from deeprec.runtime.files import write_json
from deeprec.tracking.live import open_store


def main(args: argparse.Namespace) -> None:
    _, experiment = open_store(args.tracking_uri, args.dataset)
    write_json(args.out, {"tracking_uri": args.tracking_uri, "experiment_id": experiment})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking URI")
    parser.add_argument("--dataset", required=True, help="name of the data set and its experiment")
    parser.add_argument("--out", required=True, type=Path, help="JSON file to write, with the experiment's id")
    console.run(main, parser)
