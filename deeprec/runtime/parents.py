"""A process ends with those that started it: Snakemake's driver, the job's shell, torchrun."""

import os
import select
import signal
import threading
import time

# Environment variable of a job: the ids of the Snakemake that started it and, of a fork, of who asked for it (warm.py).
DRIVER = "DEEPREC_DRIVER"
GRACE = 30.0  # seconds from SIGTERM to SIGKILL


def end_with_parents() -> None:
    """Have this process end, as SIGTERM ends it, as soon as one of those that started it is gone.

    A SIGKILL of Snakemake alone leaves its jobs' processes to the system, which lets them run. By hand, a script
    runs on when its shell is gone, as under nohup.
    """
    parents = _parents()
    if parents and hasattr(os, "pidfd_open"):  # Linux
        threading.Thread(target=_watch, args=(parents,), daemon=True).start()


def started_by() -> list[int]:
    """Return the processes that the environment names, the Snakemake first; none by hand."""
    return [int(pid) for pid in os.environ.get(DRIVER, "").split() if pid.isdecimal()]


def _parents() -> list[int]:
    if started := started_by():
        return [*started, os.getppid()]
    return [os.getppid()] if "TORCHELASTIC_RUN_ID" in os.environ else []


def _watch(parents: list[int]) -> None:
    poll = select.poll()
    try:
        for pid in parents:
            poll.register(os.pidfd_open(pid), select.POLLIN)  # readable once the process has ended
        poll.poll()
    except ProcessLookupError:
        pass  # gone already
    except OSError:
        return  # the system has no such descriptors
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)  # to leave a computation or a connection that no signal interrupts
    os.kill(os.getpid(), signal.SIGKILL)
