"""Train a run by the authors' program and by ours from the same weights; check that every step has the same loss."""

import argparse
import logging
from pathlib import Path

import torch

from deeprec.config.run_settings import read_run
from deeprec.evaluation.tables import write_csv
from deeprec.original.same_steps import check_same, same_steps
from deeprec.runtime import console
from deeprec.runtime.training_process import hide_sparse_warning


def main(args: argparse.Namespace) -> None:
    hide_sparse_warning()
    torch.set_num_threads(args.threads)
    run = read_run(args.settings)
    steps = same_steps(run, args.split, args.data, args.original, args.steps)
    apart = check_same(steps, run.name)
    write_csv(steps, args.out)
    logging.info("%s: %d losses differ by at most %.1e of their size", run.name, len(steps), apart)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path, help="settings.yaml of a training of ours")
    parser.add_argument("--split", required=True, type=Path, help="folder of the split that the settings name")
    parser.add_argument("--data", required=True, type=Path, help="the split in the authors' format")
    parser.add_argument("--original", required=True, type=Path, help="folder of the authors' program")
    parser.add_argument("--steps", default=100, type=console.count, help="steps to compare, at least")
    parser.add_argument("--threads", default=1, type=console.count, help="CPU threads")
    parser.add_argument("--out", required=True, type=Path, help="table to write (.csv)")
    console.run(main, parser)
