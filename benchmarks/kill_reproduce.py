"""Kill the workflow at random moments, let it go on, and count how often it ends as one that nobody disturbed.

    python benchmarks/kill_reproduce.py --turns 100            every kind in turn
    python benchmarks/kill_reproduce.py --kinds store state    two of them

A turn trains two seeds of a small autoencoder on made-up ratings through the workflow, mirrors them in MLflow, and is
killed once (SIGKILL), at a random moment: a training; Snakemake alone, whose jobs must end by themselves; Snakemake and
all that it started; one of two processes that share a training; whoever makes MLflow's store; a training that writes
its state. Then comes what a person would do: `snakemake --unlock` where Snakemake was killed, and the same call again.
It ends right where predictions, curves and scores are those of an undisturbed workflow, to the last bit, and where
MLflow has one finished run a training, with no point missing or doubled. Exit status 1 where any turn does not.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from compare_results import compare
from plans import config_of

from deeprec.config.run_settings import to_yaml
from deeprec.runtime.files import ROOT, write_text

EPOCHS, SEEDS, NAME = 120, [0, 1], "simulated-kills"
RESULTS = Path("results", NAME)
TARGETS = [str(RESULTS / "tracking.json")]
PATIENCE = 600.0  # seconds until a call must have ended, or have got to where it is killed
POINTS = {"train/rmse": EPOCHS, "valid/rmse": EPOCHS, "lr": EPOCHS}
MOMENTS = 4.0  # seconds from a training's start within which it is killed: its own start, its epochs, its end


def small_config() -> dict[str, Any]:
    """Return a config of one run, whose states are saved as often as can be."""
    config = config_of()
    source = {"source": "simulated", "n_ratings": 4_000, "n_users": 200, "n_items": 150, "noise": 0.5, "seed": 0}
    splits = {"main_split": "last30", "split_seed": 0, "splits": {"last30": {"kind": "per_user", "test_fraction": 0.3}}}
    config |= {"dataset": NAME, "datasets": {NAME: {"title": "Simulated ratings", **source, **splits}}}
    config |= {"seeds": SEEDS, "seeds_per_job": len(SEEDS), "save_seconds": 0.0}
    config["runs"] = {"small": {"hidden": [8, 4], "dropout": 0.5, "refeed": 1, "epochs": EPOCHS}}
    config["ablations"] = {"one": {"title": "One run", "runs": {"small": "small"}}}
    config["final"] = {"models": {"DeepRec": "small"}}
    config["search"] = {"trials": 1, "seed": 0, "runs": {"small": ["lr"]}}
    return config


def start(folder: Path, *options: str) -> subprocess.Popen:
    """Start the workflow in a folder that holds its config.yaml."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", ROOT / "profiles" / "default", "--cores", "2", *options]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (folder / "log.txt").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def finish(folder: Path, *options: str) -> None:
    """Run the workflow to its end; raise RuntimeError where it fails."""
    if start(folder, *options).wait(PATIENCE):
        raise RuntimeError(f"the workflow failed:\n{(folder / 'log.txt').read_text()[-3000:]}")


def prepare(folder: Path) -> None:
    """Make what the trainings start from: the splits and the settings."""
    write_text(folder / "config.yaml", to_yaml(small_config()))
    splits = [str(RESULTS / "splits" / split / "stats.json") for split in ("last30",)]
    settings = [str(RESULTS / "runs" / "small" / f"seed_{seed}" / "settings.yaml") for seed in SEEDS]
    finish(folder, "--", *splits, *settings, str(RESULTS / "plan" / "tracking.yaml"))


def family(driver: psutil.Process) -> list[psutil.Process]:
    """Return all that a process started, as far as it still lives."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return driver.children(recursive=True)
    return []


def trainings(driver: psutil.Process) -> list[psutil.Process]:
    """Return the processes that train, torchrun's own aside."""
    found = []
    for process in family(driver):
        with contextlib.suppress(psutil.Error, IndexError):
            words = process.cmdline()
            if words[0].endswith(("python", "python3", "python3.11")) and any(
                word.endswith("train_run.py") for word in words[1:3]
            ):
                found.append(process)
    return found


def wait_until(driver: psutil.Process, seen: Callable[[], Any]) -> Any:
    """Return what `seen` sees first, None where the driver ends before."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := seen():
            return found
        if not driver.is_running() or driver.status() == psutil.STATUS_ZOMBIE:
            return None
        time.sleep(0.002)
    raise RuntimeError("nothing to kill came up")


def kill(processes: list[psutil.Process]) -> bool:
    """Kill processes, as far as they still live; return whether one did."""
    killed = False
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            killed |= process.status() != psutil.STATUS_ZOMBIE  # which has ended already
            process.send_signal(signal.SIGKILL)
    return killed


def strike(kind: str, folder: Path, driver: psutil.Process, chance: random.Random) -> bool:
    """Wait for a random moment of a kind, and kill; return whether there was still something to kill."""
    if kind == "store":
        wait_until(driver, lambda: list((folder / "results").glob(".mlflow.*.partial*")))
        time.sleep(chance.uniform(0, 1))
        return kill([driver, *family(driver)])
    if kind == "state":
        count = chance.randrange(1, 2 * EPOCHS)
        for _ in range(count):
            if not wait_until(driver, lambda: list((folder / RESULTS / "states").glob(".*.partial*"))):
                break
        return kill(trainings(driver))
    expected = 2 if kind == "torchrun" else 1
    wait_until(driver, lambda: len(trainings(driver)) >= expected)
    time.sleep(chance.uniform(0, MOMENTS * (2 if kind == "torchrun" else 1)))
    if kind in ("training", "torchrun"):
        found = trainings(driver)
        return kill([chance.choice(found)] if found else [])
    return kill([driver, *(family(driver) if kind == "all" else [])])


def turn(kind: str, seed: int, parent: Path, calm: Path) -> tuple[bool, str]:
    """Kill once, go on to the end; return whether it came in time, and what is wrong, nothing where all is right."""
    chance = random.Random(seed)
    folder = parent / f"{kind}_{seed}"
    shutil.copytree(parent / "prepared", folder)
    options = ["--config", "processes=2"] if kind == "torchrun" else []
    process = start(folder, *options, "--", *TARGETS)
    struck = strike(kind, folder, psutil.Process(process.pid), chance)
    process.wait(PATIENCE)
    try:
        if kind in ("snakemake", "all", "store"):
            finish(folder, "--unlock")
        finish(folder, *options, "--", *TARGETS)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return struck, f"{kind} {seed}: {error}"
    wrong = [f"{name}: {how}" for name, how in compare(calm / RESULTS, folder / RESULTS) if how]
    wrong += faults_in_mlflow(folder / "results" / "mlflow.db")
    left = [*folder.rglob(".*.partial*"), *folder.glob(f"{RESULTS}/states/*")]
    wrong += [f"left over: {path.name}" for path in left]
    if not wrong:
        shutil.rmtree(folder)
    return struck, f"{kind} {seed}: {'; '.join(wrong)}" if wrong else ""


def faults_in_mlflow(store: Path) -> list[str]:
    """Return what is wrong in a store: a training without just one run, a run that is not finished, points."""
    query = (
        "SELECT tags.value, runs.status, metrics.key, count(*), count(DISTINCT metrics.step) FROM runs "
        "JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'deeprec.key' "
        "JOIN metrics ON metrics.run_uuid = runs.run_uuid "
        "WHERE runs.lifecycle_stage = 'active' GROUP BY runs.run_uuid, metrics.key"
    )
    with contextlib.closing(sqlite3.connect(store)) as opened:
        rows = opened.execute(query).fetchall()
        n_runs = opened.execute("SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'").fetchone()[0]
    faults = [f"MLflow: {n_runs} runs"] if n_runs != len(SEEDS) else []
    faults += [f"MLflow: {key} is {status}" for key, status, *_ in rows if status != "FINISHED"]
    faults += [
        f"MLflow: {points} points of {name} in {steps} epochs"
        for _, _, name, points, steps in rows
        if name in POINTS and (points, steps) != (POINTS[name], POINTS[name])
    ]
    return sorted(set(faults))


def main(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=args.folder) as name, ThreadPoolExecutor(args.jobs) as pool:
        parent = Path(name)
        (parent / "prepared").mkdir()
        prepare(parent / "prepared")
        calm = {}
        for shared in ("calm", "calm_torchrun"):
            calm[shared] = parent / shared
            shutil.copytree(parent / "prepared", calm[shared])
            options = ["--config", "processes=2"] if shared == "calm_torchrun" else []
            if "torchrun" in args.kinds or not options:
                finish(calm[shared], *options, "--", *TARGETS)
        kinds = [args.kinds[seed % len(args.kinds)] for seed in range(args.turns)]
        ends = [
            pool.submit(turn, kind, args.seed + i, parent, calm["calm_torchrun" if kind == "torchrun" else "calm"])
            for i, kind in enumerate(kinds)
        ]
        in_time: Counter[str] = Counter()
        right: Counter[str] = Counter()
        for kind, end in zip(kinds, ends, strict=True):
            struck, wrong = end.result()
            in_time[kind] += struck
            right[kind] += not wrong
            print(wrong or f"{kind}: right{'' if struck else ' (over before the kill)'}", flush=True)
    print("| killed | turns | killed in time | ended as if nothing had happened |\n|---|---|---|---|")
    for kind in args.kinds:
        print(f"| {kind} | {kinds.count(kind)} | {in_time[kind]} | {right[kind]} |")
    print(f"| all | {len(kinds)} | {in_time.total()} | {right.total()} |")
    sys.exit(right.total() < len(kinds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ["training", "snakemake", "all", "torchrun", "store", "state"]
    parser.add_argument("--turns", type=int, default=12, help="how often the workflow is killed")
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds, help="what is killed, in turn")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--jobs", type=int, default=1, help="turns side by side")
    parser.add_argument("--folder", type=Path, help="where to work (the system's temporary folder where absent)")
    main(parser.parse_args())
