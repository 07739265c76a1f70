"""The shell around every script: logging, clear errors, a clean end on SIGTERM."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from deeprec.runtime import parents, process
from deeprec.runtime.files import InputError


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line and run `main`; bad input ends in one line on stderr and exit status 1.

    `--log FILE` keeps what is logged in a file, too. SIGTERM ends the process as an exception would, so that
    half-written files are removed and the tracked run is closed; so does the end of the Snakemake that started it.
    """
    process.end_garbage_pause()
    parser.add_argument("--log", type=Path, help="file to keep the log in")
    args = parser.parse_args()
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if args.log and os.environ.get("RANK", "0") == "0":  # torchrun gives all its processes the same FILE
        args.log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(args.log, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    signal.signal(signal.SIGTERM, _terminate)
    parents.end_with_parents()
    try:
        main(args)
    except InputError as error:
        logging.error("error: %s", error)
        sys.exit(1)
    finally:
        process.leave_the_rest()


def _terminate(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)
