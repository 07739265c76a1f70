"""Which code and which machine made a result."""

import os
import platform
import resource
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from deeprec.runtime.files import ROOT


@cache
def commit() -> str:
    """Return the commit of the code, with "+changes" where files differ from it; "unknown" outside git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout.strip()


def peak_memory() -> int:
    """Return the process's peak resident memory so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def n_gpus() -> int:
    """Return the number of NVIDIA GPUs that CUDA_VISIBLE_DEVICES leaves, without torch, whose import takes seconds."""
    n = len(list(Path("/dev").glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return n if visible is None else min(n, len([one for one in visible.split(",") if one.strip() not in ("", "-1")]))


def wants_gpu(device: str) -> bool:
    """Return whether a job asks for a GPU: for `cuda` wherever it may run, for `auto` where this machine has one."""
    return device == "cuda" or (device == "auto" and n_gpus() > 0)


def versions(*packages: str) -> str:
    """Return installed packages with their versions, in words."""
    return ", ".join(f"{package} {metadata.version(package)}" for package in packages)


def machine() -> str:
    """Return the processor and system in words."""
    return f"{_processor()}, {platform.system()}, Python {platform.python_version()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor() or platform.machine()
