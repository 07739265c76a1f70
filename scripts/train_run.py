"""Train one run with one or more seeds, each from its settings.yaml, into the folder where that lies."""

import argparse
import contextlib
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from deeprec.runtime import addresses, console, process, warm

process.pause_garbage_collection()
warm.hand_over()

import torch

from deeprec.config.run_settings import Run, read_run
from deeprec.runtime import parallel
from deeprec.runtime.lock import alone
from deeprec.runtime.provenance import commit
from deeprec.runtime.training_process import prepare_training
from deeprec.tracking.live import LiveMirror
from deeprec.training.loop import has_state
from deeprec.training.runs import choose_device, train_run


def main(args: argparse.Namespace) -> None:
    if args.processes > 1:
        parallel.launch(args.processes)
    prepare_training()
    with parallel.joined(choose_device(args.device)) as device:
        torch.set_num_threads(max(1, args.threads // parallel.n_processes()))
        runs = [read_run(path) for path in args.settings]
        with contextlib.ExitStack() as held:
            # In one order, so that no two jobs wait for each other.
            for lock in sorted({args.states / f"{run.name}-{run.seed}.lock" for run in runs}):
                held.enter_context(alone(lock, parallel.from_first))
            states = [train_seed(run, path.parent, device, args) for run, path in zip(runs, args.settings, strict=True)]
            parallel.wait_for_all()
            # Kept until all seeds are done: Snakemake starts a killed job's outputs over, and a seed that was done
            # is then written again from its state in a moment.
            for state in states:
                state.unlink(missing_ok=True)


def train_seed(training: Run, out: Path, device: torch.device, args: argparse.Namespace) -> Path:
    state_path: Path = args.states / f"{training.name}-{training.seed}-{training.hash}.pt"
    train = partial(
        train_run,
        training,
        args.split,
        out,
        device=device,
        state_path=state_path,
        save_seconds=args.save_seconds,
    )
    resumed = has_state(state_path)
    if not parallel.is_first():  # it writes nothing, so that there is nothing to track or tell
        train(on_epoch=lambda progress: None)
        return state_path
    with tracked(training, resumed, args.tracking_uri) as run:
        progress, metrics = train(on_epoch=lambda progress: run.update(progress.history))
        run.close(progress.history, metrics)
    if metrics["status"] == "diverged":
        logging.info("%s seed %d: diverged in epoch %d", training.name, training.seed, metrics["epochs"])
    else:
        logging.info(
            "%s seed %d: RMSE %.4f on valid (epoch %d), %.4f on test, %.0f s",
            training.name, training.seed, metrics["valid_rmse"], metrics["best_epoch"], metrics["test_rmse"],
            metrics["seconds"],
        )  # fmt: skip
    return state_path


@contextlib.contextmanager
def tracked(training: Run, resumed: bool, uri: str) -> Iterator[LiveMirror]:
    run = LiveMirror(uri, training, resumed=resumed, commit=commit())
    try:
        yield run
    except BaseException:
        run.fail()
        raise


if __name__ == "__main__":
    warm.take_job()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="+", type=Path, help="settings.yaml of each seed; outputs lie beside it")
    parser.add_argument("--split", required=True, type=Path, help="folder of the split that the settings name")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to train")
    parser.add_argument("--threads", default=1, type=console.count, help="CPU threads, of all processes together")
    parser.add_argument("--processes", default=1, type=console.count, help="processes that share a training (torchrun)")
    parser.add_argument(
        "--states", default=Path("results/states"), type=Path, help="where states to resume from are kept"
    )
    parser.add_argument("--save-seconds", default=30.0, type=console.seconds, help="seconds between two saved states")
    parser.add_argument(
        "--tracking-uri", type=addresses.store, default="sqlite:///results/mlflow.db", help="MLflow tracking URI"
    )
    console.run(main, parser)
