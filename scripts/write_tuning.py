"""Write the searches' outcome as a page in Markdown."""

import argparse
from pathlib import Path

from deeprec.config.plan_files import TuningPlan, read_plan
from deeprec.data.audit import read_stats
from deeprec.evaluation.search_page import render_tuning
from deeprec.evaluation.search_trials import read_trials
from deeprec.runtime import console
from deeprec.runtime.files import write_text


def main(args: argparse.Namespace) -> None:
    plan = read_plan(args.plan, TuningPlan)
    searches = {path.stem: read_trials(path, plan.spaces[path.stem]) for path in args.search}
    write_text(args.out, render_tuning(searches, plan, read_stats(args.stats)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", required=True, nargs="+", type=Path, help="the trials of each run (.csv)")
    parser.add_argument("--plan", required=True, type=Path, help="plan/tuning.yaml")
    parser.add_argument("--stats", required=True, type=Path, help="stats.json of the main split")
    parser.add_argument("--out", required=True, type=Path, help="page to write (.md)")
    console.run(main, parser)
