"""A process ends with those that started it: Snakemake's driver, the job's shell, torchrun."""

import os
import select
import signal
import threading
import time

DRIVER = "DEEPREC_DRIVER"  # environment variable of a job: the process id of the Snakemake that started it
GRACE = 30.0  # seconds from SIGTERM to SIGKILL


def end_with_parents() -> None:
    """Have this process end, as SIGTERM ends it, as soon as one of those that started it is gone.

    A SIGKILL of Snakemake alone leaves its jobs' processes to the system, which lets them run. By hand, a script
    runs on when its shell is gone, as under nohup.
    """
    parents = _parents()
    if parents and hasattr(os, "pidfd_open"):  # Linux
        threading.Thread(target=_watch, args=(parents,), daemon=True).start()


def _parents() -> list[int]:
    driver = os.environ.get(DRIVER, "")
    if driver.isdecimal():
        return [int(driver), os.getppid()]
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
