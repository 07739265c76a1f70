"""From a run's settings to its model: the class that learns it, and a learnt one restored to be used."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import Part, RatingMatrix
from deeprec.settings.base import ModelSettings


class Scorer(Protocol):
    """What every learner offers to those who use its model, beside learning."""

    limits: tuple[float, float] | None  # the range that `predict` moves a score into, stars

    def predict(self, part: Part) -> np.ndarray:
        """Return the predicted ratings of a part's (user, item) pairs, (n,) float32, stars."""

    def scores(self, users: Tensor) -> Tensor:
        """Score all items for some users, given on the CPU: (n, n_items) float32, stars, not clipped."""

    def fold_in(self, ratings: RatingMatrix) -> Tensor:
        """Score all items for new users, a row of ratings each: (n, n_items) float32, stars, not clipped.

        Nothing is trained: the weights stay as they are. Raises InputError where the model knows no such way.
        """

    def load(self, weights: dict[str, Any]) -> None:
        """Take over a checkpoint's weights."""


def learner_of(kind: type[ModelSettings]) -> Callable[..., Any]:
    """Import and return the class that learns a model: learner(settings, train, device)."""
    return named(kind.learner)


def named(address: str) -> Callable[..., Any]:
    """Import and return what "module:name" names."""
    module, _, name = address.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def restore(
    settings: ModelSettings, weights: dict[str, Any], train: RatingMatrix, device: torch.device | str = "cpu"
) -> Scorer:
    """Return a learnt model, from its checkpoint's weights and its training ratings; no generator moves."""
    with torch.random.fork_rng():  # a learner draws first weights, which are replaced at once
        scorer: Scorer = learner_of(type(settings))(settings, train, torch.device(device))
    scorer.load(weights)
    return scorer
