"""Work that one process does at a time: a lock that the system gives back when its holder dies."""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)
PAUSE = 0.5  # seconds between two tries


def _on_its_own(took: Callable[[], float]) -> float:
    return took()


@contextmanager
def alone(path: Path, together: Callable[[Callable[[], float]], float] = _on_its_own) -> Iterator[None]:
    """Hold the lock `path` while the block runs; wait while another process holds it, and say once who that is.

    The file is there only while it is held. Of several processes that do one piece of work, one holds it for all:
    `together` calls what takes it in that one, and returns in all whether it was taken.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, blocking=False)
    told = False
    while not together(lambda: _take(lock, path)):
        if not told:
            log.warning("%s: held by %s; waiting until it ends", path, _holder(path))
            told = True
        time.sleep(PAUSE)
    try:
        yield
    finally:
        if lock.is_locked:
            path.unlink(missing_ok=True)  # first: whoever waits finds the file gone, and makes one anew
            lock.release()


def _take(lock: FileLock, path: Path) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    path.write_text(f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    return True


def _holder(path: Path) -> str:
    try:
        return path.read_text().strip() or "another process"
    except OSError:
        return "another process"
