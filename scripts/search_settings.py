"""Search settings of one run by Optuna and write what each trial scored on validation: a row a trial."""

import argparse
import logging
from pathlib import Path

import optuna
import torch

from deeprec.config.plan_files import SearchPlan, read_plan
from deeprec.evaluation.tables import write_csv
from deeprec.runtime import console
from deeprec.runtime.training_process import prepare_training
from deeprec.training.runs import choose_device
from deeprec.training.search import search_settings


def main(args: argparse.Namespace) -> None:
    prepare_training()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(args.threads)
    plan = read_plan(args.plan, SearchPlan)
    run = plan.parsed(args.plan)
    device, journal = choose_device(args.device), args.journal or args.out.with_suffix(".journal")
    table = search_settings(run, plan.space, plan.trials, plan.seed, args.split, device, journal)
    write_csv(table, args.out)
    journal.unlink()  # the table tells all of it; a search that is asked for again starts over
    logging.info("%s: %d trials, %s", run.name, len(table), table["state"].value_counts().to_dict())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, type=Path, help="plan/search/RUN.yaml")
    parser.add_argument("--split", required=True, type=Path, help="folder of the split that the settings name")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to train")
    parser.add_argument("--threads", default=1, type=console.count, help="CPU threads")
    parser.add_argument("--journal", type=Path, help="trials of a search under way; beside the table where absent")
    parser.add_argument("--out", required=True, type=Path, help="table to write (.csv)")
    console.run(main, parser)
