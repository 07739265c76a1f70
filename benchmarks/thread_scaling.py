"""The wall seconds of an ablation's trainings through the workflow, on one core and on several.

    python benchmarks/thread_scaling.py                             the depth ablation on MovieLens 100K, 1 and 2 cores
    python benchmarks/thread_scaling.py --archive ml-100k.zip       from a copy on this machine, instead of a download

Each number of cores gets a results folder of its own, in which data and settings lie already: what is measured is
`snakemake --cores N` from the trainings on, its own start included. Meanwhile, the threads are counted that take
processor time, so that it shows that trainings side by side do not run more of them than there are cores.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
from plans import config_of

from deeprec.config.checks import load_plan
from deeprec.config.plan import Plan
from deeprec.config.run_settings import to_yaml
from deeprec.runtime.files import ROOT, read_json, write_text
from deeprec.runtime.provenance import machine

BUSY = 0.1  # of a process's processor seconds, from which on a thread counts as one that computes
TRAINING = "train_run.py"


def targets(plan: Plan, ablation: str, file: str) -> list[str]:
    """Return a file of each of an ablation's trainings."""
    runs = dict.fromkeys(plan.ablations[ablation].runs.values())
    folder = Path("results", plan.name, "runs")
    return [str(folder / run / f"seed_{seed}" / file) for run in runs for seed in plan.config.seeds]


def busy_threads(seconds: Iterable[float]) -> int:
    """Return how many threads compute, from the processor seconds of each."""
    seconds = list(seconds)
    return sum(x > BUSY * sum(seconds) for x in seconds)


def snakemake(folder: Path, cores: int, files: list[str]) -> subprocess.Popen:
    """Start the workflow in a folder that holds its config.yaml and results."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    options = ["--workflow-profile", ROOT / "profiles" / "default", "--cores", str(cores), "--quiet", "all"]
    return subprocess.Popen([*command, *options, "--", *files], cwd=ROOT)


def wait_for(process: subprocess.Popen) -> None:
    """Wait for a workflow's end; raise RuntimeError where it failed."""
    if process.wait():
        raise RuntimeError(f"snakemake failed with status {process.returncode}")


def watch(process: subprocess.Popen) -> dict[int, int]:
    """Return the number of busy threads of each training (process id), counted until the workflow ends."""
    found: dict[int, int] = {}
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if Path(child.cmdline()[1]).name == TRAINING:
                    found[child.pid] = busy_threads(t.user_time + t.system_time for t in child.threads())
            except (psutil.Error, IndexError):  # it has just ended, or begun
                continue
        time.sleep(0.5)
    return found


def prepare(folder: Path, config: dict[str, Any], plan: Plan, ablation: str) -> None:
    """Make all that the trainings start from."""
    write_text(folder / "config.yaml", to_yaml(config))
    results = Path("results", plan.name)
    splits = {plan.runs[run].split for run in plan.ablations[ablation].runs.values()}
    files = [str(results / "splits" / x / "stats.json") for x in splits]
    wait_for(snakemake(folder, 2, [*files, *targets(plan, ablation, "settings.yaml")]))


def measure(prepared: Path, folder: Path, cores: int, plan: Plan, ablation: str) -> float:
    """Train the ablation in a copy of what was prepared; print a row and return the wall seconds."""
    shutil.copytree(prepared, folder)
    files = targets(plan, ablation, "metrics.json")
    start = time.monotonic()
    process = snakemake(folder, cores, files)
    threads = watch(process)
    wall = time.monotonic() - start
    wait_for(process)
    metrics = [read_json(folder / file) for file in files]
    trained = sum(m["seconds"] for m in metrics)
    asked = sorted({m["threads"] for m in metrics})
    most = max(threads.values(), default=0)
    print(f"| {cores} | {wall:.1f} | {trained:.1f} | {len(threads)} | {asked} | {most} |", flush=True)
    return wall


def main(args: argparse.Namespace) -> None:
    config = config_of(path=str(args.archive.resolve())) if args.archive else config_of()
    plan = load_plan(config)
    print(f"the trainings of '{args.ablation}' on {plan.name}; {machine()}")
    with tempfile.TemporaryDirectory() as parent:
        prepared = Path(parent, "prepared")
        prepare(prepared, config, plan, args.ablation)
        print("| cores | wall (s) | of training, summed (s) | processes | threads asked for | busy threads at most |")
        print("|---|---|---|---|---|---|")
        walls = {cores: [] for cores in args.cores}
        for turn in range(args.turns):
            for cores, seconds in walls.items():
                seconds.append(measure(prepared, Path(parent, f"{cores}_{turn}"), cores, plan, args.ablation))
    first, *others = args.cores
    for cores in others:
        ratio = statistics.median(a / b for a, b in zip(walls[first], walls[cores], strict=True))
        print(f"{cores} cores are {ratio:.2f} times as fast as {first}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ablation", default="depth", help="a key of config.yaml's ablations")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2], help="numbers of cores to compare")
    parser.add_argument("--turns", type=int, default=1, help="how often each is measured")
    parser.add_argument("--archive", type=Path, help="the data set's archive, where it lies on this machine")
    main(parser.parse_args())
