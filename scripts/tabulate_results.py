"""Write results.csv (a row a run), trainings.csv (a run and seed), final.csv (a model) and datasets.csv (a part)."""

import argparse
import json
from pathlib import Path

from deeprec import console
from deeprec.final import final_table
from deeprec.tables import collect_trainings, datasets_table, results_table, write_csv


def main(args: argparse.Namespace) -> None:
    trainings = collect_trainings(args.metrics)
    write_csv(trainings, args.out / "trainings.csv")
    datasets = datasets_table(args.dataset, args.stats, json.loads(args.published))
    write_csv(datasets, args.out / "datasets.csv")
    write_csv(results_table(trainings, json.loads(args.paper)), args.out / "results.csv")
    write_csv(final_table(json.loads(args.final), trainings), args.out / "final.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True, nargs="+", type=Path, help="metrics.json of every run and seed")
    parser.add_argument("--stats", required=True, nargs="+", type=Path, help="stats.json of every split")
    parser.add_argument("--published", required=True, help="published counts by split and part, as JSON")
    parser.add_argument("--paper", required=True, help="the paper's Netflix RMSE by run, as JSON")
    parser.add_argument("--final", required=True, help="the final table's runs by model and split, as JSON")
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--out", required=True, type=Path, help="folder to write the tables to")
    console.run(main, parser)
