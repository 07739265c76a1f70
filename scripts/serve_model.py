"""Serve a model that is registered in MLflow, by default a data set's champion, and print a question to ask it."""

import argparse
import json
import logging
import shlex

import uvicorn

from deeprec.runtime import addresses, console
from deeprec.runtime.ports import HOST, listen
from deeprec.runtime.training_process import hide_sparse_warning, unwrap_optimizers
from deeprec.serving.server import QUESTIONS, app_of, example, load_served

GRACE = 5  # seconds that questions under way are given at the end


def main(args: argparse.Namespace) -> None:
    hide_sparse_warning()
    unwrap_optimizers()
    try:
        serve(args.model or f"models:/{args.dataset}@champion", args)
    except KeyboardInterrupt:
        logging.info("stopped")


def serve(uri: str, args: argparse.Namespace) -> None:
    with listen(args.port) as listener:
        served, model = load_served(uri, args.tracking_uri)
        address = f"http://{HOST}:{listener.getsockname()[1]}{QUESTIONS}"
        question = shlex.quote(json.dumps(example(model), ensure_ascii=False))
        print(f"Serving {uri}, run {model.run.name} on {model.run.dataset}. Ask it:\n")
        print(f"  curl {address} -H 'Content-Type: application/json' -d {question}\n\nCtrl-C ends.", flush=True)
        config = uvicorn.Config(app_of(served, model), log_level="warning", timeout_graceful_shutdown=GRACE)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dataset", help="data set whose champion to serve")
    what.add_argument("--model", help="another model in MLflow, such as models:/NAME/3")
    parser.add_argument("--port", default=5001, type=int, help="port on 127.0.0.1; 0 takes any that is free")
    parser.add_argument(
        "--tracking-uri", type=addresses.store, default="sqlite:///results/mlflow.db", help="MLflow tracking URI"
    )
    console.run(main, parser)
