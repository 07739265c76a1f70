"""torch's optimizers, without loading torch's compiler."""

import inspect

import torch
from torch.optim import Optimizer

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")


def _plain(kind: type[Optimizer]) -> type[Optimizer]:
    """Return the class with its methods unwrapped: the same arithmetic, the same states.

    torch wraps them so that its compiler passes them over, and their first call imports the compiler: a quarter
    of a training's start.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(methods["step"])})


SGD, Adam = _plain(torch.optim.SGD), _plain(torch.optim.Adam)
