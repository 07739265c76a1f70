"""Serve MLflow's UI on this machine and print the address of the comparison charts."""

import argparse
import os
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

from deeprec.runtime import console
from deeprec.runtime.ports import HOST, listen
from deeprec.tracking.live import charts_url
from deeprec.tracking.store import open_store

# Without it the server starts a dozen processes for jobs that nothing here uses.
LEAN = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def main(args: argparse.Namespace) -> None:
    _, experiment = open_store(args.tracking_uri, args.dataset)
    listen(args.port).close()  # a port in use is told of at once
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", HOST]
    command += ["--port", str(args.port), "--backend-store-uri", args.tracking_uri]
    server = subprocess.Popen(command, env={**os.environ, **LEAN})
    try:
        if _answers(args.port, server):
            print(f"\nCompare all runs: {charts_url(experiment, args.port)}\nCtrl-C ends.", flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        server.wait()


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    while server.poll() is None:
        try:
            with urlopen(f"http://{HOST}:{port}/health", timeout=1):
                return True
        except (URLError, OSError):
            time.sleep(0.3)
    return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="data set whose experiment to show")
    parser.add_argument("--port", default=5000, type=int, help="port on 127.0.0.1")
    parser.add_argument("--tracking-uri", default="sqlite:///results/mlflow.db", help="MLflow tracking URI")
    console.run(main, parser)
