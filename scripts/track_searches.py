"""Mirror searches in MLflow, in an experiment beside that of the data set's runs."""

import argparse
import logging
from functools import partial
from pathlib import Path

import mlflow

from deeprec.config.plan_files import SearchPlan, read_plan
from deeprec.runtime import addresses, console
from deeprec.runtime.files import write_json
from deeprec.tracking.searches import mirror_search, search_views
from deeprec.tracking.store import open_store, patiently
from deeprec.tracking.views import write_views


def main(args: argparse.Namespace) -> None:
    mlflow.set_tracking_uri(args.tracking_uri)
    send = partial(patiently, args.tracking_uri)
    client, experiment = send(lambda: open_store(args.tracking_uri, f"{args.dataset} search"))
    plans = {table: read_plan(args.plans / f"{table.stem}.yaml", SearchPlan) for table in args.search}
    ids = {table.stem: send(partial(mirror_search, client, experiment, plan, table)) for table, plan in plans.items()}
    views = search_views({table.stem: plan for table, plan in plans.items()}, ids)
    send(lambda: write_views(client, experiment, views, "A run a search, its trials below it; a view a search"))
    write_json(args.out, {"tracking_uri": args.tracking_uri, "experiment_id": experiment, "searches": ids})
    logging.info("MLflow: %d searches mirrored", len(ids))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", required=True, nargs="+", type=Path, help="the trials of each run (.csv)")
    parser.add_argument("--plans", required=True, type=Path, help="folder of plan/search/RUN.yaml")
    parser.add_argument("--dataset", required=True, help="the data set's name")
    parser.add_argument("--tracking-uri", type=addresses.store, required=True, help="MLflow tracking URI")
    parser.add_argument("--out", required=True, type=Path, help="JSON file to write, with the searches' ids")
    console.run(main, parser)
