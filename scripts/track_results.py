"""Complete the mirror of all runs in MLflow, and register the final table's models there."""

import argparse
import logging
from functools import partial
from pathlib import Path

import mlflow
from tqdm import tqdm

from deeprec.config.plan_files import TrackingPlan, read_plan
from deeprec.runtime import addresses, console
from deeprec.runtime.addresses import page_address
from deeprec.runtime.files import write_json
from deeprec.runtime.ports import HOST
from deeprec.runtime.training_process import hide_sparse_warning, unwrap_optimizers
from deeprec.tracking.mirror import RunFolder, mirror_run
from deeprec.tracking.registry import register_models
from deeprec.tracking.store import TrackingError, open_store, patiently, telling
from deeprec.tracking.views import forget_figures, tags_of, view_links, views_of, with_trainings, write_views

UI_PORT = 5000  # of `make ui`


def main(args: argparse.Namespace) -> None:
    mlflow.set_tracking_uri(args.tracking_uri)
    hide_sparse_warning()
    unwrap_optimizers()
    plan = read_plan(args.plan, TrackingPlan)
    folders = [RunFolder(path.parent) for path in args.metrics]
    best, experiment, charts = None, None, None
    ids: dict[Path, str] = {}
    tags: dict[str, dict[str, str]] = {}
    send = partial(patiently, args.tracking_uri)  # all of it may be sent twice
    try:
        client, experiment = send(lambda: open_store(args.tracking_uri, folders[0].training.dataset))
        for folder in tqdm(folders, desc="MLflow", unit="run", disable=None):
            told = tags_of(folder.training, plan.groups)
            ids[folder.path] = send(partial(mirror_run, client, experiment, folder, told))
            tags[ids[folder.path]] = told
        with telling(args.tracking_uri):
            forget_figures(client, experiment, tags)
            trainings = {name: with_trainings(runs, folders) for name, runs in plan.groups.items()}
            write_views(client, experiment, views_of(plan.views, trainings))
            pages = view_links(client.get_experiment(experiment).tags, experiment)
            charts = page_address(args.tracking_uri, next(iter(pages.values())), f"http://{HOST}:{UI_PORT}")
            best = register_models(client, args.tracking_uri, with_trainings(plan.final, folders), ids)
        unsent: list[object] = []
    except TrackingError as error:  # a mirror may be down: the files are the truth
        unsent = [*(folder.path for folder in folders if folder.path not in ids)] or ["the final table's models"]
        logging.warning(
            "warning: %s. %d not sent; the next call of snakemake sends it, or: make mirror", error, len(unsent)
        )
    write_json(
        args.out,
        {
            "tracking_uri": args.tracking_uri,
            "experiment_id": experiment,
            "charts": charts,
            "best_run": str(best.path) if best else None,
            "runs": {str(path): run_id for path, run_id in ids.items()},
            "unsent": [str(what) for what in unsent],
        },
    )
    logging.info("MLflow: %d runs mirrored; best model: %s", len(ids), best.path if best else "none")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="+", type=Path, help="metrics.json of every run and seed")
    parser.add_argument("--plan", required=True, type=Path, help="plan/tracking.yaml")
    parser.add_argument("--tracking-uri", type=addresses.store, required=True, help="MLflow tracking URI")
    parser.add_argument("--out", required=True, type=Path, help="JSON file to write, with the runs' ids")
    console.run(main, parser)
