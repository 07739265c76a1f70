"""Freed memory stays: a loop of large blocks faults its pages in once."""

import platform
import subprocess
import sys

import pytest

LOOP = """
import resource, sys
from deeprec.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    bytearray(64 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_large_blocks_are_faulted_in_once():
    keep, leave = (
        int(subprocess.run([sys.executable, "-c", LOOP, mode], capture_output=True, text=True, check=True).stdout)
        for mode in ("keep", "leave")
    )
    assert 0 < keep < 0.2 * leave
