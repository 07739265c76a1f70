"""What the factor models share: a rating is mean + b_u + b_i + ⟨p_u, q_i⟩, or some of these terms."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, Part, RatingMatrix
from deeprec.runtime.files import InputError


class FactorLearner:
    """Keeps a model as tensors and predicts from them; bias-only, PCA, ALS and PMF add how they are fitted.

    `w` may hold `mean` (), `user_bias` (n_users,), `item_bias` (n_items,), `users` (n_users, rank) and
    `items` (n_items, rank).
    """

    w: dict[str, Tensor]

    def __init__(self, train: RatingMatrix, device: torch.device, *, clip: bool):
        self.device = device
        self.matrix = train.to(device)
        self.limits = rating_range(train) if clip else None

    def score(self, user: Tensor, item: Tensor) -> Tensor:
        """Return mean + b_u + b_i + ⟨p_u, q_i⟩ of pairs, (n,), stars, not clipped."""
        w, y = self.w, torch.zeros(len(user), device=self.device)
        if "mean" in w:
            y = y + w["mean"]
        if "user_bias" in w:
            y = y + w["user_bias"][user] + w["item_bias"][item]
        if "users" in w:
            y = y + (w["users"][user] * w["items"][item]).sum(1)
        return y

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs."""
        pairs = [torch.from_numpy(column).long().split(BLOCK_RATINGS) for column in (part.user, part.item)]
        scores = [self.score(u.to(self.device), i.to(self.device)).float().cpu() for u, i in zip(*pairs, strict=True)]
        return clip(torch.cat(scores).numpy(), self.limits)

    @torch.no_grad()
    def squared_error(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the training ratings' squared error and number as an epoch of one step, (1,) each."""
        error = torch.zeros((), dtype=torch.float64, device=self.device)
        for _, user, item, rating in self.matrix.blocks(BLOCK_RATINGS):
            error += (rating - self.score(user, item)).square().sum(dtype=torch.float64)
        return np.array([error.item()]), np.array([self.matrix.n_ratings])

    @torch.no_grad()
    def scores(self, users: Tensor) -> Tensor:
        """Score all items for some users, given on the CPU: (n, n_items), stars, not clipped."""
        users = users.to(self.device)
        return self._all_items({name: self.w[name][users] for name in ("user_bias", "users") if name in self.w})

    @torch.no_grad()
    def fold_in(self, ratings: RatingMatrix) -> Tensor:
        """Score all items for new users, a row of ratings each: (n, n_items), stars, not clipped."""
        return self._all_items(self.new_users(ratings.to(self.device)))

    def new_users(self, ratings: RatingMatrix) -> dict[str, Tensor]:
        """Return `user_bias` (n,) and `users` (n, rank), those that the model has, of new users with these ratings."""
        raise InputError(f"{type(self).__name__}: takes in no new user; expected one of the training part")

    def _all_items(self, new: dict[str, Tensor]) -> Tensor:
        w, y = self.w, torch.zeros((), device=self.device)
        if "mean" in w:
            y = y + w["mean"]
        if "user_bias" in w:
            y = y + new["user_bias"][:, None] + w["item_bias"]
        if "users" in w:
            y = y + new["users"] @ w["items"].T
        return y.float()

    def lr(self, epoch: int) -> float:
        """Return NaN: a closed form has no learning rate."""
        return math.nan

    def weights(self) -> dict[str, Any]:
        """Return the tensors."""
        return self.w

    def state(self) -> dict[str, Any]:
        """Return nothing: the next epoch depends on the weights alone."""
        return {}

    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Take over tensors."""
        self.w = {name: value.to(self.device) for name, value in weights.items()}


def mean_rating(matrix: RatingMatrix) -> Tensor:
    """Return the mean rating μ, () float64, stars."""
    parts = matrix.values.split(BLOCK_RATINGS)
    mean: Tensor = sum(part.sum(dtype=torch.float64) for part in parts) / matrix.n_ratings
    return mean


def rating_range(matrix: RatingMatrix) -> tuple[float, float]:
    """Return the lowest and the highest training rating, stars."""
    return matrix.values.min().item(), matrix.values.max().item()


def clip(prediction: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    """Return predictions moved into the rating range, or untouched where there are no limits."""
    return prediction if limits is None else prediction.clip(*limits)
