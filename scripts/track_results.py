"""Complete the mirror of all runs in MLflow, and log the best run's model there."""

import argparse
import json
import logging
from pathlib import Path

import mlflow
from tqdm import tqdm

from deeprec import console
from deeprec.files import write_json
from deeprec.mirror import RunFolder, log_best_model, mirror_run
from deeprec.tracking import charts_url, open_store


def main(args: argparse.Namespace) -> None:
    mlflow.set_tracking_uri(args.tracking_uri)
    ablations = json.loads(args.ablations)
    folders = [RunFolder(path.parent) for path in args.metrics]
    client, experiment = open_store(args.tracking_uri, folders[0].settings["dataset"])
    ids = {}
    for folder in tqdm(folders, desc="MLflow", unit="run", disable=None):
        names = [name for name, runs in ablations.items() if folder.settings["run"] in runs]
        ids[folder.path] = mirror_run(client, experiment, folder, names)
    candidates = [f for f in folders if f.settings["model"] == "autoencoder" and f.metrics["status"] == "finished"]
    best = min(candidates, key=lambda folder: folder.metrics["valid_rmse"], default=None)
    if best:
        log_best_model(client, best, ids[best.path])
    write_json(
        args.out,
        {
            "tracking_uri": args.tracking_uri,
            "experiment_id": experiment,
            "charts": charts_url(experiment),
            "best_run": str(best.path) if best else None,
            "runs": {str(path): run_id for path, run_id in ids.items()},
        },
    )
    logging.info("MLflow: %d runs mirrored; best model: %s", len(ids), best.path if best else "none")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="+", type=Path, help="metrics.json of every run and seed")
    parser.add_argument("--ablations", required=True, help="each ablation's runs, as JSON")
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking URI")
    parser.add_argument("--out", required=True, type=Path, help="JSON file to write, with the runs' ids")
    console.run(main, parser)
