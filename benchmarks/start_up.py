"""What starting a training costs: processor seconds (user and system) of its parts, each in a fresh process.

    python benchmarks/start_up.py                       what each import takes, and a whole training of one epoch
    python benchmarks/start_up.py --scripts             also every other script's start, by its --help

A part is given together with all before it; medians over the turns. The training is of 500 made-up ratings, so
that what it takes is its start.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
import yaml
from processes import ROOT, measure

from deeprec.config import load_plan
from deeprec.provenance import machine, versions
from deeprec.ratings import ratings_table, write_table
from deeprec.settings import write_settings
from deeprec.splits import parse_split, split_ratings

IMPORTS = {
    "Python": "",
    "… and torch": "from deeprec import console; import torch",
    "… and deeprec": "from deeprec import console; import torch, deeprec.runs",
    "… and MLflow": "from deeprec import console; import torch, deeprec.runs, deeprec.tracking",
}
END = "\nimport argparse; console.run(lambda _: None, argparse.ArgumentParser())"


def write_training(folder: Path) -> list[object]:
    """Write a split and the settings of one epoch; return the command line that trains it."""
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((50, 20)) < 0.5)
    day = rng.integers(12_000, 12_060, len(user)).astype(np.int32)
    rating = rng.integers(1, 6, len(user)).astype(np.int8)
    table = ratings_table(user.astype(np.int32), item.astype(np.int32), rating, day, origin="made up")
    write_table(table, folder / "ratings.parquet")
    split = parse_split("last30", {"kind": "per_user", "test_fraction": 0.3})
    split_ratings(folder / "ratings.parquet", folder / "last30", split, 0)
    plan = load_plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    settings = {**plan.run_settings("depth_4"), "split": "last30", "epochs": 1, "seed": 0}
    write_settings(settings, folder / "seed_0" / "settings.yaml")
    store = ["--tracking-uri", f"sqlite:///{folder}/mlflow.db"]
    # As in the workflow, where `prepare_tracking` makes the store before any training.
    measure("scripts/prepare_tracking.py", *store, "--dataset", settings["dataset"], "--out", folder / "out.json")
    options = ["--split", folder / "last30", "--states", folder / "states", "--device", "cpu", *store]
    return ["scripts/train_run.py", folder / "seed_0" / "settings.yaml", *options]


def show(name: str, turns: int, *command: object) -> None:
    """Print the median of a command's processor and wall seconds."""
    costs = [measure(*command) for _ in range(turns)]
    processor, wall = (
        statistics.median(getattr(cost, key) for cost in costs) for key in ("processor_seconds", "seconds")
    )
    print(f"| {name} | {processor:.2f} | {wall:.2f} |", flush=True)


def main(args: argparse.Namespace) -> None:
    print(f"{machine()}, {versions('torch', 'mlflow')}; medians of {args.turns}")
    print("| part | processor (s) | wall (s) |\n|---|---|---|")
    for name, code in IMPORTS.items():
        show(name, args.turns, "-c", code and code + END)
    with tempfile.TemporaryDirectory() as folder:
        show("a training: imports, MLflow's store, one epoch", args.turns, *write_training(Path(folder)))
    for script in sorted((ROOT / "scripts").glob("*.py")) if args.scripts else []:
        show(f"{script.name} --help", args.turns, script, "--help")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5, help="how often each is measured")
    parser.add_argument("--scripts", action="store_true", help="measure the other scripts' start, too")
    main(parser.parse_args())
