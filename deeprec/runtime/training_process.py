"""What is switched for a whole training process, by whoever starts it (a script, a benchmark), never by an import."""

import ctypes
import inspect
import warnings

import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of <malloc.h>
WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")  # of torch's optimizers


def prepare_training() -> None:
    """Switch what every training wants."""
    keep_freed_memory()
    unwrap_optimizers()
    hide_sparse_warning()


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


def unwrap_optimizers() -> None:
    """Take the wrapper off the methods of torch's optimizers: the same arithmetic, the same states.

    torch wraps them so that its compiler passes them over, and their first call imports the compiler: importing torch
    and a first step take 2.9 processor seconds instead of 5.1 (a Zen 3 core, medians of five).
    """
    for kind in (torch.optim.Optimizer, torch.optim.SGD, torch.optim.Adam):
        for name in WRAPPED:
            if name in vars(kind):
                method = inspect.unwrap(getattr(kind, name))
                setattr(kind, name, torch.no_grad()(method) if name == "step" else method)


def hide_sparse_warning() -> None:
    """Leave out that torch's CSR tensors are in beta, which it says once a process."""
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
