"""Stop a tracking server for a while under many trainings that log to it, and count what it holds in the end.

Starts PostgreSQL and MLflow by scripts/start_tracking_server.sh, in a folder that PostgreSQL's user can enter.
"""

import argparse
import logging
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient

from deeprec.config.run_settings import Run
from deeprec.runtime.files import ROOT
from deeprec.settings.bias import BiasSettings
from deeprec.settings.splits import PerUserSplit
from deeprec.tracking.live import LiveMirror, TrackedRun
from deeprec.tracking.store import open_store, patiently

PORT, PG_PORT = 15100, 15533
URI = f"http://127.0.0.1:{PORT}"
METRICS = {"status": "finished", "test_rmse": 1.0, "valid_rmse": 1.0, "best_epoch": 1, "seconds": 1.0}
A_SECOND = 30  # epochs


@contextmanager
def server(folder: Path) -> Iterator[None]:
    command = [ROOT / "scripts" / "start_tracking_server.sh", folder, str(PORT), str(PG_PORT)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and "MLflow: http" in process.stdout.readline(), "the server did not start"
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def training(seed: int) -> Run:
    return Run("away", f"writer_{seed}", "s", PerUserSplit(test_fraction=0.3, seed=0), BiasSettings(), seed=seed)


def curve(n: int, start: float) -> list[dict[str, float]]:
    return [
        {"epoch": e, "train_rmse": 1 / e, "valid_rmse": 2 / e, "lr": 0.1, "timestamp": int(start * 1000) + e}
        for e in range(1, n + 1)
    ]


def write(seed: int, seconds: float) -> None:
    """Log as a training does, and as `track_results` does afterwards what is missing."""
    start = time.time()
    live = LiveMirror(URI, training(seed), resumed=False, commit="c")
    while time.time() - start < seconds:
        live.update(curve(int((time.time() - start) * A_SECOND), start))
        time.sleep(1)
    whole = curve(int(seconds) * A_SECOND, start)
    live.close(whole, METRICS)

    def complete() -> None:
        client, experiment = open_store(URI, "away")
        TrackedRun(client, experiment, training(seed), resumed=True, commit="c").close(whole, METRICS)

    patiently(URI, complete)


def main(args: argparse.Namespace) -> None:
    with ThreadPoolExecutor(args.writers) as pool:
        with server(args.folder):
            written = [pool.submit(write, seed, args.seconds) for seed in range(args.writers)]
            time.sleep(10)
        logging.info("the server is stopped for %.0f s", args.away)
        time.sleep(args.away)
        with server(args.folder):
            for one in written:
                one.result()
            client = MlflowClient(URI)
            experiment = client.get_experiment_by_name("away").experiment_id
            runs = client.search_runs([experiment])
            points = [
                (run.info.run_id, name, point.step)
                for run in runs
                for name in ("train/rmse", "valid/rmse", "lr")
                for point in client.get_metric_history(run.info.run_id, name)
            ]
            doubled = sum(n - 1 for n in Counter(points).values())
            expected = args.writers * int(args.seconds) * A_SECOND * 3
            states = Counter(run.info.status for run in runs)
            print(f"{len(runs)} runs ({dict(states)}), {len(points)} of {expected} points, {doubled} doubled")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="new folder for the server's data")
    parser.add_argument("--writers", default=16, type=int, help="trainings at a time")
    parser.add_argument("--away", default=60.0, type=float, help="seconds that the server is stopped")
    parser.add_argument("--seconds", default=90.0, type=float, help="that a training takes")
    main(parser.parse_args())
