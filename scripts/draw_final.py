"""Draw the final table as a figure."""

import argparse
from pathlib import Path

from deeprec.config.plan_files import FinalPlan, read_plan
from deeprec.evaluation.figure_style import save
from deeprec.evaluation.final_figure import draw_final
from deeprec.evaluation.tables import read_csv
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    plan = read_plan(args.plan, FinalPlan)
    figure = draw_final(read_csv(args.table, "model"), plan.splits, plan.title, len(plan.seeds))
    for path in args.out:
        save(figure, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, type=Path, help="final.csv")
    parser.add_argument("--plan", required=True, type=Path, help="plan/final.yaml")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="figures to write, .png or .svg")
    console.run(main, parser)
