"""The dense re-fed pass through torch's compiler: fewer, fused kernels and, on a GPU, all of them started as one."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from deeprec.runtime.files import InputError

# Dropout from torch's own generator, so that its numbers stay; a CUDA graph of each shape.
OPTIONS: dict[str, str | int | bool | Callable[..., object]] = {"fallback_random": True, "triton.cudagraphs": True}


def compiled(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a model's call, (n, k) to (n, k), compiled when first made for a shape; the weights stay the model's.

    What it returned before is overwritten by its next call. Raises InputError then, where torch cannot compile here.
    """
    with warnings.catch_warnings():
        # The compiler uses what torch itself deprecates.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        fast = torch.compile(model, dynamic=False, options=OPTIONS)

    def call(x: Tensor) -> Tensor:
        from torch._dynamo.exc import TorchDynamoException  # takes seconds, from those alone who compile

        try:
            y: Tensor = fast(x)
        except TorchDynamoException as error:
            why = " ".join(str(error).split("\n", 2)[:2])
            raise InputError(
                f"compiled: found that torch's compiler fails here ({why}); expected a C++ compiler and, on a GPU, "
                "Triton; or compiled: false"
            ) from error
        return y

    return call
