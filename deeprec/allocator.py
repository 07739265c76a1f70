"""The C library's memory: what a step frees, the next one takes."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of <malloc.h>


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks for the next step, instead of giving them back to the system at once.

    The gradients of a wide model are as large as its weights (36 MB a layer at Netflix's size), freed and wanted
    again at every step: faulting their pages in anew took more than half of a step. Other C libraries are left
    as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
