"""Ask a server that `make serve` started for users' ten best items, over one kept connection, and time the answers.

make serve &
python benchmarks/ask_server.py --users 1 2 3
"""

import argparse
import json
import time

import numpy as np
import requests


def main(args: argparse.Namespace) -> None:
    seconds = []
    with requests.Session() as session:
        for turn in range(args.times):
            question = {"inputs": {"user_id": [args.users[turn % len(args.users)]]}, "params": {"top": 10}}
            start = time.perf_counter()
            answer = session.post(args.address, json.dumps(question), headers={"Content-Type": "application/json"})
            seconds.append(time.perf_counter() - start)
            answer.raise_for_status()
    first, (median, most) = seconds[0], np.quantile(seconds, [0.5, 0.95])
    print(f"{args.times} questions: first {1e3 * first:.1f} ms, median {1e3 * median:.1f} ms, 95 % {1e3 * most:.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="http://127.0.0.1:5001/invocations", help="of the server")
    parser.add_argument("--users", type=int, nargs="+", required=True, help="ids to ask for, in turn")
    parser.add_argument("--times", type=int, default=300, help="questions")
    main(parser.parse_args())
