"""Draw one run's search: its history, the settings' importances, and every trial's settings."""

import argparse
from pathlib import Path

import optuna

from deeprec.config.plan_files import SearchPlan, read_plan
from deeprec.evaluation.figure_style import save
from deeprec.evaluation.search_figures import PLOTS, draw_search
from deeprec.evaluation.search_trials import read_trials
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    plan = read_plan(args.plan, SearchPlan)
    trials = read_trials(args.trials, plan.space)
    for kind in PLOTS:
        figure = draw_search(kind, trials, plan.space, args.trials.stem, plan.title)
        for suffix in ("png", "svg"):
            save(figure, args.out / f"{kind}.{suffix}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", required=True, type=Path, help="the trials of the run (.csv)")
    parser.add_argument("--plan", required=True, type=Path, help="plan/search/RUN.yaml")
    parser.add_argument("--out", required=True, type=Path, help="folder of the figures")
    console.run(main, parser)
