"""A blend of learnt models about plain biases: b + Σ w_k (p_k - b), w ≥ 0 (stacking; Breiman 1996)."""

from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from deeprec.config.run_settings import parse_run
from deeprec.data.matrix import BLOCK_RATINGS, Part, RatingMatrix
from deeprec.models.factors import clip, rating_range
from deeprec.models.learners import Scorer, restore
from deeprec.settings.blend import BlendSettings


def fit_weights(base: np.ndarray, members: np.ndarray, rating: np.ndarray) -> np.ndarray:
    """Return w ≥ 0, (n_members,), with the least Σ (r - b - Σ w_k (p_k - b))² over known ratings.

    `base` and `rating` are (n,), `members` is (n_members, n), stars.
    """
    weights: np.ndarray = nnls((members - base).T.astype(np.float64), (rating - base).astype(np.float64))[0]
    return weights


def blended(base: np.ndarray, members: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return b + Σ w_k (p_k - b), (n,) float32, given `base` (n,), `members` (n_members, n) and w (n_members,)."""
    moved: np.ndarray = base + weights @ (members - base)
    return moved.astype(np.float32)


class BlendLearner:
    """Predicts by its members, which a checkpoint holds whole; `fit_weights` is all that is learnt.

    A pair whose user or item has no training rating gets the biases alone.
    """

    def __init__(self, settings: BlendSettings, train: RatingMatrix, device: torch.device):
        self.settings, self.train, self.device = settings, train, device
        self.limits = rating_range(train) if settings.clip else None
        self.rated_user = (train.offsets.diff() > 0).cpu()
        self.rated_item = torch.zeros(train.n_columns, dtype=torch.bool)
        for part in train.columns.split(BLOCK_RATINGS):
            self.rated_item[part.cpu().long()] = True
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
        """Return the members' checkpoints and `shares`, w (n_members,)."""
        return self._weights

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs."""
        base, *members = (np.mean([s.predict(part) for s in seeds], 0) for seeds in (self.base, *self.members))
        rated = self.rated_user.numpy()[part.user] & self.rated_item.numpy()[part.item]
        found = blended(base, np.array(members), self._weights["shares"].numpy())
        return clip(np.where(rated, found, base), self.limits)

    @torch.no_grad()
    def scores(self, users: Tensor) -> Tensor:
        """Score all items for some users, given on the CPU: (n, n_items), stars, not clipped."""
        return self._blended([[s.scores(users) for s in seeds] for seeds in self._all], self.rated_user[users])

    @torch.no_grad()
    def fold_in(self, ratings: RatingMatrix) -> Tensor:
        """Score all items for new users, a row of ratings each: (n, n_items), stars, not clipped."""
        rated = (ratings.offsets.diff() > 0).cpu()
        return self._blended([[s.fold_in(ratings) for s in seeds] for seeds in self._all], rated)

    @property
    def _all(self) -> list[list[Scorer]]:
        return [self.base, *self.members]

    def _blended(self, scores: list[list[Tensor]], rated_user: Tensor) -> Tensor:
        """Return the blend of all inputs' scores, [input][seed] (n, n_items), each moved as its model moves pairs'."""
        limits = [[scorer.limits for scorer in seeds] for seeds in self._all]
        base, *members = (
            torch.stack([y.clamp(*limit) if limit else y for y, limit in zip(ys, ends, strict=True)]).mean(0)
            for ys, ends in zip(scores, limits, strict=True)
        )
        shares = self._weights["shares"].float().tolist()
        moved = sum(share * (member - base) for share, member in zip(shares, members, strict=True))
        rated: Tensor = (rated_user[:, None] & self.rated_item).to(base.device)
        found: Tensor = base + rated * moved
        return found
