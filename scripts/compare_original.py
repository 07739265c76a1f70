"""Put the authors' program beside ours: a table, a page, and the pairs of runs that both order alike."""

import argparse
from pathlib import Path

import pandas as pd

from deeprec.config.plan_files import OriginalPlan, read_plan
from deeprec.evaluation.curves import Curves, read_curves
from deeprec.evaluation.tables import read_csv, write_csv
from deeprec.evaluation.words import number
from deeprec.original.comparison import comparison_table, ordered_pairs
from deeprec.original.page import original_page, same_work
from deeprec.runtime import console
from deeprec.runtime.files import write_text
from deeprec.runtime.provenance import commit


def main(args: argparse.Namespace) -> None:
    plan = read_plan(args.plan, OriginalPlan)

    def curves(folder: Path, label: str, run: str) -> Curves:
        return read_curves(label, run, [folder / run / f"seed_{seed}" for seed in plan.seeds])

    experiments = {
        name: [(curves(args.theirs, *one), curves(args.ours, *one)) for one in ablation.runs.items()]
        for name, ablation in plan.ablations.items()
    }
    table, pairs = comparison_table(experiments), ordered_pairs(experiments)
    first = experiments[next(iter(experiments))][0][1].metrics[0]
    size = f"{number(first['n_train'])} training ratings, {len(plan.seeds)} seeds each"
    page = original_page(
        plan.title,
        size,
        table,
        pairs,
        same_work({path.stem: read_csv(path, "step", "apart") for path in args.same_steps}),
        f"NVIDIA/DeepRecommender at commit {plan.commit[:7]}",
        f"Commit {commit()} of ours, {first['machine']}.",
    )
    write_csv(pd.DataFrame([{**vars(pair), "agrees": pair.agrees} for pair in pairs]), args.out / "pairs.csv")
    write_text(args.out / "original.md", page)
    write_csv(table, args.out / "comparison.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, type=Path, help="plan/original_runs.yaml")
    parser.add_argument("--theirs", required=True, type=Path, help="folder of the authors' trainings")
    parser.add_argument("--ours", required=True, type=Path, help="folder of ours")
    parser.add_argument("--same-steps", required=True, nargs="+", type=Path, help="tables of check_original")
    parser.add_argument("--out", required=True, type=Path, help="folder to write the tables and the page to")
    console.run(main, parser)
