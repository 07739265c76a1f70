"""What a job asks of a cluster, where a rule says a function of it."""

import os
from collections.abc import Callable, Iterable
from typing import Any


def more_each_try(mb: int) -> Callable[[Any, int], int]:
    """Return a rule's memory in MB, more of it each time that the job is tried again."""
    return lambda wildcards, attempt: mb * attempt


def size_mb(paths: Iterable[str | os.PathLike[str]]) -> float:
    """Return the size of files in MB; raise FileNotFoundError, which Snakemake waits for, where one is not made yet."""
    return sum(os.path.getsize(path) for path in paths) / 1e6  # noqa: PTH202 (the error names a rule's input as it is)
