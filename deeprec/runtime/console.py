"""The shell around every script: logging, clear errors, a clean end on SIGTERM."""

import argparse
import logging
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from deeprec.runtime import parents, process
from deeprec.runtime.files import InputError

NO_MEMORY = ("can't allocate memory", "out of memory", "Storage size calculation overflowed")  # as torch says it


def count(text: str) -> int:
    """Return a command line's number of threads, processes and the like; argparse tells of the error."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number of at least 1")
    return int(text)


def seconds(text: str) -> float:
    """Return a command line's time in seconds; argparse tells of the error."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected seconds, at least 0")
    return value


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
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise
        logging.error("error: %s: %s", error.filename, error.strerror)
        sys.exit(1)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in NO_MEMORY):
            raise
        logging.error("error: not enough memory for these settings and data (%s)", " ".join(str(error).split())[:200])
        sys.exit(1)
    finally:
        process.leave_the_rest()


def _terminate(signum: int, frame: FrameType | None) -> None:
    signal.signal(signum, signal.SIG_IGN)  # several may send it at once: the end is clean all the same
    sys.exit(128 + signum)
