"""What starting a training costs: processor seconds (user and system) of its parts, each in a fresh process.

    python benchmarks/start_up.py                       what each import takes, and a whole training of one epoch
    python benchmarks/start_up.py --scripts             also every other script's start, by its --help

A part is given together with all before it; medians over the turns. The training is of 500 made-up ratings, so
that what it takes is its start. As a job, it is forked from a process that has imported all (deeprec/runtime/warm.py);
what that takes for the first is not counted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
from plans import plan_of
from processes import Cost, measure

from deeprec.config.run_settings import write_run
from deeprec.data.ratings import ratings_table, write_table
from deeprec.data.splits import split_ratings
from deeprec.runtime.files import ROOT
from deeprec.runtime.parents import DRIVER
from deeprec.runtime.provenance import machine, versions
from deeprec.tracking.store import open_store

IMPORTS = {
    "Python": "",
    "… and torch": "import torch",
    "… and deeprec": "import torch, deeprec.training.runs, deeprec.models.autoencoder",
    "… and MLflow": "import torch, deeprec.training.runs, deeprec.models.autoencoder, deeprec.tracking.live",
}
# As a script begins and ends.
BEGIN = "from deeprec.runtime import console, process; process.pause_garbage_collection()\n"
END = "\nimport argparse; console.run(lambda _: None, argparse.ArgumentParser())"


def write_training(folder: Path) -> list[object]:
    """Write a split and the settings of one epoch; return the command line that trains it."""
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((50, 20)) < 0.5)
    day = rng.integers(12_000, 12_060, len(user)).astype(np.int32)
    rating = rng.integers(1, 6, len(user)).astype(np.int8)
    table = ratings_table(user.astype(np.int32), item.astype(np.int32), rating, day, origin="made up")
    write_table(table, folder / "ratings.parquet")
    run = plan_of("movielens-100k").run("depth_4").with_seed(0).with_settings(epochs=1)
    split_ratings(folder / "ratings.parquet", folder / run.split, run.split_definition)
    write_run(run, folder / "seed_0" / "settings.yaml")
    store = f"sqlite:///{folder}/mlflow.db"
    open_store(store, run.dataset)  # which the first of a workflow's trainings makes
    options = ["--split", folder / run.split, "--states", folder / "states", "--device", "cpu", "--tracking-uri", store]
    return ["scripts/train_run.py", folder / "seed_0" / "settings.yaml", *options]


def forked(turns: int, command: list[object]) -> Iterator[Cost]:
    """Yield what a command costs as a job of a workflow, with what the process that forks it takes for it."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as driver:
        os.environ[DRIVER] = str(driver.pid)
        try:
            measure(*command)
            server = server_of(driver.pid)
            for _ in range(turns):
                before = sum(server.cpu_times()[:4])
                cost = measure(*command)
                yield replace(cost, processor_seconds=cost.processor_seconds + sum(server.cpu_times()[:4]) - before)
        finally:
            del os.environ[DRIVER]
            driver.communicate()


def server_of(driver: int) -> psutil.Process:
    """Return the process that forks a driver's jobs: its id ends the name under which its socket was made."""
    names = [Path(found.laddr) for found in psutil.net_connections("unix") if f"/{driver}-" in found.laddr]
    return psutil.Process(int(names[0].suffix[1:]))


def show(name: str, costs: list[Cost]) -> None:
    """Print the medians of processor and wall seconds."""
    processor, wall = (
        statistics.median(getattr(cost, key) for cost in costs) for key in ("processor_seconds", "seconds")
    )
    print(f"| {name} | {processor:.2f} | {wall:.2f} |", flush=True)


def main(args: argparse.Namespace) -> None:
    print(f"{machine()}, {versions('torch', 'mlflow')}; medians of {args.turns}")
    print("| part | processor (s) | wall (s) |\n|---|---|---|")
    for name, code in IMPORTS.items():
        show(name, [measure("-c", code and BEGIN + code + END) for _ in range(args.turns)])
    with tempfile.TemporaryDirectory() as folder:
        command = write_training(Path(folder))
        show("a training: imports, MLflow's store, one epoch", [measure(*command) for _ in range(args.turns)])
        show("the same as a job of a workflow", list(forked(args.turns, command)))
    for script in sorted((ROOT / "scripts").glob("*.py")) if args.scripts else []:
        show(f"{script.name} --help", [measure(script, "--help") for _ in range(args.turns)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5, help="how often each is measured")
    parser.add_argument("--scripts", action="store_true", help="measure the other scripts' start, too")
    main(parser.parse_args())
