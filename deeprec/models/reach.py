"""Which ratings an autoencoder can give: those that its last activation reaches."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger(__name__)


def reach(activation: Callable[[Tensor], Tensor]) -> tuple[float, float]:
    """Return an activation's least and largest value, as far as they can be seen between ±1 million."""
    x = torch.cat([torch.linspace(-50, 50, 10_001), torch.tensor([-1e6, 1e6])])
    y = activation(x)
    return float(y.min()), float(y.max())


def warn_out_of_reach(name: str, activation: Callable[[Tensor], Tensor], ratings: Tensor) -> None:
    """Warn where the training ratings (stars) lie beyond what the last activation, called `name`, can give."""
    low, high = reach(activation)
    least, most = float(ratings.min()), float(ratings.max())
    if least < low or most > high:
        bounds = f"{low:.3g} to {high:.3g}" if high < 1e5 else f"{low:.3g} or more"
        log.warning(
            "training ratings run from %g to %g, but the last activation, %s, gives %s; "
            "last_activation: identity reaches them",
            *(least, most, name, bounds),
        )
