"""Try settings of one run at random and write what each trial scored on validation: a row a trial."""

import argparse
import json
import logging
from pathlib import Path

import torch

from deeprec import console
from deeprec.runs import choose_device
from deeprec.search import search_settings
from deeprec.tables import write_csv


def main(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    settings, space = json.loads(args.settings), json.loads(args.space)
    table = search_settings(settings, space, args.trials, args.seed, args.split, choose_device(args.device))
    write_csv(table, args.out)
    if table["valid_rmse"].notna().any():
        logging.info("%s: trial %d is best", settings["run"], table["valid_rmse"].idxmin())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="the run's settings, as JSON")
    parser.add_argument("--space", required=True, help="what to draw for each setting, as JSON")
    parser.add_argument("--trials", required=True, type=int, help="trainings")
    parser.add_argument("--seed", required=True, type=int, help="of the draws and of every training")
    parser.add_argument("--split", required=True, type=Path, help="folder of the split that the settings name")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to train")
    parser.add_argument("--threads", default=1, type=int, help="CPU threads")
    parser.add_argument("--out", required=True, type=Path, help="table to write (.csv)")
    console.run(main, parser)
