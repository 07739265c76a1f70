"""Draw an ablation's figure from its runs' folders."""

import argparse
import json
from pathlib import Path

import pandas as pd

from deeprec import console
from deeprec.figure_style import save
from deeprec.figures import Curves, draw_ablation
from deeprec.files import read_json


def main(args: argparse.Namespace) -> None:
    ablation = json.loads(args.ablation)
    curves = [read_curves(label, run, args) for label, run in ablation["runs"].items()]
    figure = draw_ablation(ablation, curves, args.title)
    for path in args.out:
        save(figure, path)


def read_curves(label: str, run: str, args: argparse.Namespace) -> Curves:
    folders = [args.runs / run / f"seed_{seed}" for seed in args.seeds]
    return Curves(
        label,
        run,
        histories=[pd.read_parquet(folder / "history.parquet") for folder in folders],
        steps=[pd.read_parquet(folder / "steps.parquet") for folder in folders],
        metrics=[read_json(folder / "metrics.json") for folder in folders],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ablation", required=True, help="the ablation's entry in the config, as JSON")
    parser.add_argument("--runs", required=True, type=Path, help="folder of all runs")
    parser.add_argument("--seeds", required=True, nargs="+", type=int, help="seeds to draw")
    parser.add_argument("--title", required=True, help="the data set's name and size")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="figures to write, .png or .svg")
    console.run(main, parser)
