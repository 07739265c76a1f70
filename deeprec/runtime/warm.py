"""A job without the seconds that its imports take: a process that has imported them already forks one for each.

    hand_over()     first of all, before the slow imports: has the job done by that process, and exits with its status
    import torch …
    take_job()      after the imports: that process waits here, and returns once for each job, in a fork of its own

The first job of a Snakemake starts the process, which ends with that Snakemake. A fork takes over a job's arguments,
folder, environment and standard streams, is sent the signals that the job gets, and ends where the job is gone. By
hand, on other systems than Linux, or where that process cannot import, a script does all by itself.
"""

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path

from deeprec.runtime.parents import DRIVER, end_with_parents, started_by

ADDRESS = "DEEPREC_WARM"  # environment variable of the process that forks: where it listens
START_SECONDS = 10.0  # within which it listens; it imports after that
NUMBER, CREDENTIALS = struct.Struct("i"), struct.Struct("3i")  # the latter: process, user, group
SENT_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_listener: tuple[socket.socket, Path] | None = None  # of the process that forks, and its address


def hand_over() -> None:
    """Have this job done by the process that has the imports, and exit with its status; return where there is none."""
    global _listener
    if ADDRESS in os.environ:
        address = Path(os.environ.pop(ADDRESS))
        _listener = _listen(address), address
        return
    drivers = started_by()
    if not drivers or "TORCHELASTIC_RUN_ID" in os.environ or not hasattr(os, "pidfd_open"):
        return  # torchrun watches its processes itself
    if (server := _reach(_address(drivers[0]))) is None:
        return
    with server:
        status = _done_by(server)
    if status is not None:
        sys.exit(status)


def take_job() -> None:
    """Return at once, but in the process that forks: there, once for each job, in the job's fork."""
    if _listener is None:
        return
    listener, address = _listener
    gc.freeze()  # what is shared stays as it is
    with selectors.DefaultSelector() as events:
        events.register(listener, selectors.EVENT_READ)
        events.register(os.pidfd_open(started_by()[0]), selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.data:
                    events.unregister(key.fd)
                    _tell_end(key.fd, *key.data)
                elif key.fileobj is not listener:  # the Snakemake has ended
                    address.unlink(missing_ok=True)
                    os._exit(0)
                else:
                    job, _ = listener.accept()
                    pid = os.fork()
                    if not pid:
                        listener.close()
                        _become(job)
                        return
                    _send(job, pid)
                    events.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, job))


def _address(driver: int) -> Path | None:
    """Return where the process for this script and interpreter listens, in a folder of this user alone, or None."""
    folder = Path(tempfile.gettempdir(), f"deeprec-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        return None
    what = f"{socket.gethostname()} {sys.executable} {Path(sys.argv[0]).resolve()}"
    return folder / f"{driver}-{zlib.crc32(what.encode()):08x}"


def _reach(address: Path | None) -> socket.socket | None:
    """Return a connection to the process that listens there, started if there is none; None where that fails."""
    started, until = False, time.monotonic() + START_SECONDS
    while address and time.monotonic() < until:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(str(address))
            return server
        except FileNotFoundError:
            if not started:
                _start(address)
            started = True
        except ConnectionRefusedError:
            address.unlink(missing_ok=True)  # left by one that was killed
        except OSError:
            return None
        server.close()
        time.sleep(0.02)
    return None


def _start(address: Path) -> None:
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    # A session of its own: Ctrl-C is meant for the jobs.
    os.posix_spawn(
        sys.executable, [sys.executable, sys.argv[0]], {**os.environ, ADDRESS: str(address)},
        file_actions=quiet, setsid=True,
    )  # fmt: skip


def _listen(address: Path) -> socket.socket:
    """Return a socket that listens; exit where another process was quicker."""
    listener, beside = socket.socket(socket.AF_UNIX), address.with_suffix(f".{os.getpid()}")
    listener.bind(str(beside))
    listener.listen(64)
    try:
        address.hardlink_to(beside)  # there only now, when it listens, and never in place of another
    except FileExistsError:
        sys.exit()
    finally:
        beside.unlink()
    return listener


def _done_by(server: socket.socket) -> int | None:
    """Send this job and wait for its exit status; None where nobody began it."""
    job = json.dumps({"argv": sys.argv, "cwd": str(Path.cwd()), "environ": dict(os.environ)}).encode()
    try:
        socket.send_fds(server, [NUMBER.pack(len(job))], [0, 1, 2])
        server.sendall(job)
        pid = _receive(server)
    except ConnectionError:
        return None
    if pid is None:
        return None
    for number in SENT_ON:
        signal.signal(number, lambda number, frame: _send_on(pid, number))
    end_with_parents()
    status = _receive(server)
    return 1 if status is None else status if status >= 0 else 128 - status


def _send_on(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended
        os.kill(pid, number)


def _become(job: socket.socket) -> None:
    """Take over a job's arguments, folder, environment and streams; from here on, this process is that job."""
    client, user, _ = CREDENTIALS.unpack(job.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    header, streams, _, _ = socket.recv_fds(job, NUMBER.size, 3)
    if user != os.getuid() or len(streams) != 3:
        os._exit(1)
    with job, job.makefile("rb") as sent:
        asked = json.loads(sent.read(*NUMBER.unpack(header)))
    for fd, stream in enumerate(streams):
        os.dup2(stream, fd)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.environ[DRIVER] += f" {client}"
    os.chdir(asked["cwd"])
    sys.argv[:] = asked["argv"]


def _tell_end(ended: int, pid: int, job: socket.socket) -> None:
    os.close(ended)
    _send(job, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    job.close()


def _send(job: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # the job was killed; its fork ends for that
        job.sendall(NUMBER.pack(number))


def _receive(server: socket.socket) -> int | None:
    found = server.recv(NUMBER.size, socket.MSG_WAITALL)
    return int(NUMBER.unpack(found)[0]) if found else None
