"""Draw an ablation's figure from its runs' folders."""

import argparse
from pathlib import Path

from deeprec.config.plan_files import AblationPlan, read_plan
from deeprec.evaluation.ablation_figure import draw_ablation
from deeprec.evaluation.curves import read_curves
from deeprec.evaluation.figure_style import save
from deeprec.evaluation.tables import datasets_table, rating_range
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    plan = read_plan(args.plan, AblationPlan)
    folders = {run: [args.runs / run / f"seed_{seed}" for seed in plan.seeds] for run in plan.ablation.runs.values()}
    curves = [read_curves(label, run, folders[run]) for label, run in plan.ablation.runs.items()]
    scale = rating_range(datasets_table(plan.title, args.stats, {}))
    original = [
        read_curves(label, run, [args.original / run / f"seed_{seed}" for seed in plan.seeds])
        for label, run in (plan.ablation.runs.items() if args.original else ())
    ]
    figure = draw_ablation(plan.ablation, curves, plan.title, scale, original)
    for path in args.out:
        save(figure, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, type=Path, help="plan/ablations/ABLATION.yaml")
    parser.add_argument("--runs", required=True, type=Path, help="folder of all runs")
    parser.add_argument("--original", type=Path, help="folder of the same runs by the authors' program")
    parser.add_argument("--stats", required=True, nargs="+", type=Path, help="stats.json of the runs' splits")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="figures to write, .png or .svg")
    console.run(main, parser)
