"""One training in several processes that torchrun started: each rank takes its share of every batch.

All ranks hold the training set and the same weights; what they sum is gradients, so that the result is that of
one process at the same batch size, but for rounding and dropout's masks. The first rank alone validates, saves
and writes. In a process of its own, everything here does nothing.
"""

import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from deeprec.runtime.files import InputError


def launch(n: int) -> None:
    """Start this script anew, with its arguments, by torchrun in `n` processes; in one of those, do nothing."""
    if not dist.is_torchelastic_launched():
        # `--`: else torchrun takes a script's --log for an option of its own.
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n), "--"]
        os.execv(sys.executable, [sys.executable, *torchrun, *sys.argv])


@contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that torchrun started, if it did, and yield this one's device.

    Raises InputError where there are fewer CUDA devices than processes. Whoever fails closes its connections,
    so that the others fail, too, instead of waiting.
    """
    if not dist.is_torchelastic_launched():
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if device.index >= torch.cuda.device_count():
            wanted, found = os.environ["LOCAL_WORLD_SIZE"], torch.cuda.device_count()
            raise InputError(f"processes: found {wanted} on {found} CUDA devices; expected at most one a device")
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def n_processes() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Return whether this process is the one that writes."""
    return not dist.is_initialized() or dist.get_rank() == 0


def wait_for_all() -> None:
    """Wait until every rank has come here."""
    if n_processes() > 1:
        dist.barrier()


def share(batch: Tensor) -> Tensor:
    """Return this rank's share of a batch, (n,) users; empty where they are fewer than the ranks."""
    return batch[dist.get_rank() :: n_processes()] if n_processes() > 1 else batch


def shuffled(n: int) -> Tensor:
    """Return a random order of n users, (n,), the first rank's on every rank.

    Another rank's generator starts anew from that order and its rank. Masks so differ between ranks, yet all
    follows from the first rank's generator, the only one that a state to resume from keeps.
    """
    order = torch.randperm(n)
    if n_processes() > 1:
        dist.broadcast(order, 0)
        if not is_first():
            torch.manual_seed(zlib.crc32(order.numpy().data) + dist.get_rank())
    return order


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each parameter's gradient by its sum over the ranks."""
    if n_processes() > 1:
        for sums in [dist.all_reduce(parameter.grad, async_op=True) for parameter in parameters]:
            sums.wait()


def total(values: Tensor) -> Tensor:
    """Return values' sum over the ranks."""
    if n_processes() > 1:
        dist.all_reduce(values)
    return values


def from_first(score: Callable[[], float]) -> float:
    """Return, on every rank, the score that the first one computes: all must come to the same decisions."""
    if n_processes() == 1:
        return score()
    value = torch.tensor(score() if is_first() else 0.0, dtype=torch.float64)
    dist.broadcast(value, 0)
    return value.item()
