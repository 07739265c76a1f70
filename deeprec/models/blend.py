"""A blend of learnt models about plain biases (stacking; Breiman 1996)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeprec.config.run_settings import parse_run
from deeprec.data.matrix import BLOCK_RATINGS, Part, RatingMatrix
from deeprec.models.factors import clip, rating_range
from deeprec.models.learners import Scorer, restore
from deeprec.models.stacking import blended, known_of
from deeprec.settings.blend import BlendSettings


class BlendLearner:
    """Predicts by its members, which a checkpoint holds whole; their weights are all that is learnt.

    A pair whose user or item has no training rating gets the biases alone.
    """

    def __init__(self, settings: BlendSettings, train: RatingMatrix, device: torch.device):
        self.settings, self.train, self.device = settings, train, device
        self.limits = rating_range(train) if settings.clip else None
        self.n_user, self.n_item = rating_counts(train)
        self._weights: dict[str, Any] = {}
        self.base: list[Scorer] = []
        self.members: list[list[Scorer]] = []  # of each member, one a seed

    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Restore the members: `base` and each of `members` are lists of checkpoints, one a seed."""
        self._weights = weights
        self.base = [self._restored(kept) for kept in weights["base"]]
        self.members = [[self._restored(kept) for kept in member] for member in weights["members"]]

    def _restored(self, checkpoint: dict[str, Any]) -> Scorer:
        run = parse_run(checkpoint["settings"], "the blend's checkpoint")
        return restore(run.settings, checkpoint["weights"], self.train, self.device)

    def weights(self) -> dict[str, Any]:
        """Return the members' checkpoints, and their weights as `blended` takes them."""
        return self._weights

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs."""
        means = (np.mean([s.predict(part) for s in seeds], 0, np.float64) for seeds in self._all)
        base, *members = (torch.from_numpy(mean) for mean in means)
        moved = self._moved(base, members, self.n_user[part.user], self.n_item[part.item])
        return clip(moved.float().numpy(), self.limits)

    @torch.no_grad()
    def scores(self, users: Tensor) -> Tensor:
        """Score all items for some users, given on the CPU: (n, n_items), stars, not clipped."""
        return self._blended([[s.scores(users) for s in seeds] for seeds in self._all], self.n_user[users])

    @torch.no_grad()
    def fold_in(self, ratings: RatingMatrix) -> Tensor:
        """Score all items for new users, a row of ratings each: (n, n_items), stars, not clipped."""
        n_user = ratings.offsets.diff().cpu()
        return self._blended([[s.fold_in(ratings) for s in seeds] for seeds in self._all], n_user)

    @property
    def _all(self) -> list[list[Scorer]]:
        return [self.base, *self.members]

    def _blended(self, scores: list[list[Tensor]], n_user: Tensor) -> Tensor:
        """Return the blend of all inputs' scores, [input][seed] (n, n_items), each moved as its model moves pairs'."""
        limits = [[scorer.limits for scorer in seeds] for seeds in self._all]
        base, *members = (
            torch.stack([y.clamp(*limit) if limit else y for y, limit in zip(ys, ends, strict=True)]).mean(0)
            for ys, ends in zip(scores, limits, strict=True)
        )
        return self._moved(base, members, n_user[:, None].to(base.device), self.n_item.to(base.device))

    def _moved(self, base: Tensor, members: list[Tensor], n_user: Tensor, n_item: Tensor) -> Tensor:
        """Return the blend of pairs whose user and item have so many training ratings."""
        return blended(base, members, self._weights, known_of(base, n_user, n_item))


def rating_counts(train: RatingMatrix) -> tuple[Tensor, Tensor]:
    """Return how many training ratings each user, (n_users,), and each item has, (n_items,), on the CPU."""
    n_item = torch.zeros(train.n_columns, dtype=torch.int64)
    for part in train.columns.split(BLOCK_RATINGS):
        n_item += torch.bincount(part.cpu().long(), minlength=train.n_columns)
    return train.offsets.diff().cpu(), n_item
