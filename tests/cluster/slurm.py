"""A real SLURM of one node on loopback, for a test; needs root and Debian's slurm-wlm and munge."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")  # the executor plugin takes SLURM_CONF away
CPUS = 8  # that jobs may ask for; what the machine has is overridden
SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
MinJobAge=300
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def one_node(folder: Path) -> Iterator[None]:
    """Start munge, slurmctld and slurmd, wait until the node is idle; stop all three, and put the settings back."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    ports = {name: _free_port() for name in ("ctld_port", "slurmd_port")}
    before = CONFIG.read_text() if CONFIG.exists() else None
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(SETTINGS.format(host=socket.gethostname().split(".")[0], folder=folder, cpus=CPUS, **ports))
    try:
        _start_munge(folder)
        subprocess.run(["slurmctld", "-c"], check=True, timeout=30)
        subprocess.run(["slurmd"], check=True, timeout=30)
        wait_until(lambda: "idle" in _said("sinfo", "-h", "-o", "%T"), 30, "SLURM's node is idle")
        yield
    finally:
        if shutil.which("scancel"):
            subprocess.run(["scancel", "--user=root", "--state=RUNNING"], capture_output=True, timeout=30, check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            _stop(folder / f"{name}.pid")
        if before is None:
            CONFIG.unlink()
        else:
            CONFIG.write_text(before)


def _start_munge(folder: Path) -> None:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    places = [f"--{option}={folder}/munge.{name}" for option, name in files.items() if name != "pid"]
    command = ["munged", "--force", f"--key-file={key}", f"--pid-file={folder}/munged.pid", *places]
    subprocess.run(command, check=True, timeout=30)


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except subprocess.TimeoutExpired:
        return ""


def _stop(pid_file: Path) -> None:
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        pass  # never started, or gone


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_until(true, seconds: float, what: str) -> None:
    """Wait until a function says so; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
