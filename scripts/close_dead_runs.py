"""Mark MLflow runs as killed whose process is gone though they still say RUNNING."""

import argparse
import logging

from deeprec.runtime import addresses, console
from deeprec.tracking.complete import store_file


def main(args: argparse.Namespace) -> None:
    store = store_file(args.tracking_uri)
    if store and not store.exists():
        return  # nothing was tracked yet, so nothing can be stale
    from deeprec.tracking.live import close_dead_runs
    from deeprec.tracking.store import TrackingError

    try:
        n_dead = close_dead_runs(args.tracking_uri, args.dataset)
    except TrackingError as error:  # a mirror may be down
        logging.warning("warning: %s. All but the mirror goes on", error)
        return
    if n_dead:
        logging.info("MLflow: %d run(s) of killed trainings marked as KILLED", n_dead)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracking-uri", type=addresses.store, required=True, help="MLflow tracking URI")
    parser.add_argument("--dataset", required=True, help="name of the data set and its experiment")
    console.run(main, parser)
