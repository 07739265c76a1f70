"""Write results.csv (a row a run), trainings.csv (a run and seed), final.csv (a model) and datasets.csv (a part)."""

import argparse
from pathlib import Path

from deeprec.config.plan_files import TablesPlan, read_plan
from deeprec.evaluation.final import final_table
from deeprec.evaluation.tables import collect_trainings, datasets_table, results_table, write_csv
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    plan = read_plan(args.plan, TablesPlan)
    trainings = collect_trainings(args.metrics)
    write_csv(trainings, args.out / "trainings.csv")
    datasets = datasets_table(plan.dataset, args.stats, plan.published)
    write_csv(datasets, args.out / "datasets.csv")
    write_csv(results_table(trainings, plan.paper), args.out / "results.csv")
    write_csv(final_table(plan.final, trainings), args.out / "final.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True, nargs="+", type=Path, help="metrics.json of every run and seed")
    parser.add_argument("--stats", required=True, nargs="+", type=Path, help="stats.json of every split")
    parser.add_argument(
        "--plan",
        required=True,
        type=Path,
        help="plan/tables.yaml",
    )
    parser.add_argument("--out", required=True, type=Path, help="folder to write the tables to")
    console.run(main, parser)
