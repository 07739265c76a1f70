"""The optimizer that a model's settings name."""

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor


class OptimizerSettings(Protocol):
    """The settings that say which optimizer: `sgd` (with momentum) or `adam`."""

    @property
    def optimizer(self) -> str: ...
    @property
    def lr(self) -> float: ...
    @property
    def momentum(self) -> float: ...


def make_optimizer(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]], settings: OptimizerSettings, weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """Return an optimizer of some parameters, or groups of them; `weight_decay` is the L2 penalty of all of them, but
    for groups that say otherwise."""
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, settings.lr, weight_decay=weight_decay, fused=True)
    return torch.optim.SGD(parameters, settings.lr, settings.momentum, weight_decay=weight_decay, fused=True)
