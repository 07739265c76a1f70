"""Write report.html from the tables and figures."""

import argparse
import json
import logging
from pathlib import Path

import pandas as pd

from deeprec import console
from deeprec.claims import VERDICTS
from deeprec.files import write_text
from deeprec.report import render_report, stage_durations


def main(args: argparse.Namespace) -> None:
    plan = json.loads(args.plan)
    results = pd.read_csv(args.tables / "results.csv")
    by_run = results.set_index("run")
    trainings = pd.read_csv(args.tables / "trainings.csv")
    datasets = pd.read_csv(args.tables / "datasets.csv")
    claims = pd.read_csv(args.tables / "claims.csv")
    train = datasets[(datasets["part"] == "train") & (datasets["split"] == plan["main_split"])].iloc[0]
    context = {
        **plan,
        "is_netflix": plan["dataset"] == "netflix",
        "size": {"n_train": train["n_ratings"], "n_users": train["n_users"], "n_items": train["n_items"]},
        "ablations": [
            {
                "name": name,
                "title": ablation["title"],
                "slide": ablation.get("slide"),
                "note": ablation.get("note"),
                "experiment": ablation.get("experiment"),
                "n_panels": len(ablation.get("panels", [None])),
                "claims": claims[claims["experiment"] == ablation.get("experiment")].to_dict("records"),
                "figure": args.figures / f"{name}.svg",
                "rows": by_run.loc[list(dict.fromkeys(ablation["runs"].values()))].reset_index().to_dict("records"),
            }
            for name, ablation in plan["ablations"].items()
        ],
        "final": {
            **plan["final"],
            "rows": pd.read_csv(args.tables / "final.csv").to_dict("records"),
            "claims": claims[claims["experiment"] == "F"].to_dict("records"),
            "figure": args.figures / "final.svg",
        },
        "claims": claims.to_dict("records"),
        "counts": {verdict: int((claims["verdict"] == verdict).sum()) for verdict in VERDICTS},
        "datasets": datasets.to_dict("records"),
        "published": bool(datasets["published_ratings"].notna().any()),
        "commit": ", ".join(trainings["commit"].unique()),
        "machine": ", ".join(trainings["machine"].unique()),
        "versions": ", ".join(trainings["versions"].unique()),
        "stages": stage_durations(args.benchmarks),
    }
    write_text(args.out, render_report(context))
    logging.info("report: %s", args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, help="data set, title, main split, seeds and ablations, as JSON")
    parser.add_argument("--tables", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--figures", required=True, type=Path, help="folder of the figures")
    parser.add_argument("--benchmarks", required=True, type=Path, help="folder of Snakemake's benchmarks")
    parser.add_argument("--out", required=True, type=Path, help="report.html to write")
    console.run(main, parser)
