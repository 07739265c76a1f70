"""Train one run with one seed by the authors' own program, and evaluate it by theirs."""

import argparse
import logging
import sys
from pathlib import Path

import torch
from tqdm import tqdm

from deeprec.config.run_settings import read_run
from deeprec.original.training import train_original
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    run = read_run(args.settings)
    with tqdm(total=run.settings.epochs, desc=run.name, unit="epoch", disable=not sys.stderr.isatty()) as bar:
        metrics = train_original(run, args.data, args.original, args.out, on_epoch=lambda epoch: bar.update())
    told = "diverged" if metrics["status"] == "diverged" else f"RMSE {metrics['valid_rmse']:.4f} on valid"
    logging.info("%s seed %s, by the authors' program: %s, %.0f s", run.name, run.seed, told, metrics["seconds"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path, help="settings.yaml of a training of ours")
    parser.add_argument("--data", required=True, type=Path, help="its split in the authors' format")
    parser.add_argument("--original", required=True, type=Path, help="folder of the authors' program")
    parser.add_argument("--threads", default=1, type=console.count, help="CPU threads")
    parser.add_argument("--out", required=True, type=Path, help="folder to write history, steps and metrics to")
    console.run(main, parser)
