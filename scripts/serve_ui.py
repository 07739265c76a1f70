"""Serve MLflow's UI on this machine and print the address of the comparison charts."""

import argparse
import os
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

from deeprec.runtime import addresses, console
from deeprec.runtime.ports import HOST, listen
from deeprec.tracking.store import open_store
from deeprec.tracking.views import view_links

# Without it the server starts a dozen processes for jobs that nothing here uses.
LEAN = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def main(args: argparse.Namespace) -> None:
    client, experiment = open_store(args.tracking_uri, args.dataset)
    links = view_links(client.get_experiment(experiment).tags, experiment)
    views = [
        f"  {name:24} {addresses.page_address(args.tracking_uri, page, f'http://{HOST}:{args.port}')}"
        for name, page in links.items()
    ]
    told = "\n".join([f"\n{args.dataset}, a view a figure:", *views])
    if args.tracking_uri.startswith(("http://", "https://")):
        print(told)  # it has a page of its own
        return
    listen(args.port).close()  # a port in use is told of at once
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", HOST]
    command += ["--port", str(args.port), "--backend-store-uri", args.tracking_uri]
    server = subprocess.Popen(command, env={**os.environ, **LEAN})
    try:
        if _answers(args.port, server):
            print(f"{told}\nCtrl-C ends.", flush=True)
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
    parser.add_argument(
        "--tracking-uri", type=addresses.store, default="sqlite:///results/mlflow.db", help="MLflow tracking URI"
    )
    console.run(main, parser)
