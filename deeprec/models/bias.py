"""Bias-only: r̂ = μ + b_u + b_i (Koren, Bell & Volinsky, IEEE Computer 2009)."""

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, RatingMatrix
from deeprec.models.factors import FactorLearner, mean_rating
from deeprec.settings.bias import BiasSettings, StartingBiases


class BiasLearner(FactorLearner):
    """Solves for the items' biases and the users' in turn; an epoch is one sweep over both."""

    def __init__(self, settings: BiasSettings, train: RatingMatrix, device: torch.device):
        super().__init__(train, device, clip=settings.clip)
        self.settings = settings
        self.w = {
            "mean": mean_rating(self.matrix),
            "user_bias": torch.zeros(train.n_rows, dtype=torch.float64, device=device),
            "item_bias": torch.zeros(train.n_columns, dtype=torch.float64, device=device),
        }

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Minimise Σ (r - μ - b_u - b_i)² + λ_i Σ b_i² + λ_u Σ b_u² over the items, then over the users."""
        self._solve("item_bias", self.settings.l2_item)
        self._solve("user_bias", self.settings.l2_user)
        return self.squared_error()

    def _solve(self, name: str, l2: float) -> None:
        """Set b_i = Σ_u (r_ui - μ - b_u) / (λ_i + n_i), or the same with the sides changed."""
        total, count = torch.zeros_like(self.w[name]), torch.zeros_like(self.w[name])
        # Its own side's bias is taken out of the prediction by setting it to zero.
        self.w[name] = torch.zeros_like(total)
        for _, user, item, rating in self.matrix.blocks(BLOCK_RATINGS):
            index = item if name == "item_bias" else user
            total.index_add_(0, index, rating - self.score(user, item))
            count.index_add_(0, index, torch.ones_like(rating, dtype=torch.float64))
        self.w[name] = total / (l2 + count)

    def new_users(self, ratings: RatingMatrix) -> dict[str, Tensor]:
        """Solve for new users' biases, as the last sweep did for those it had."""
        return {"user_bias": new_user_biases(ratings, self.w, self.settings.l2_user)}


def new_user_biases(ratings: RatingMatrix, w: dict[str, Tensor], l2: float) -> Tensor:
    """Return b_u = Σ_i (r_ui - μ - b_i) / (λ_u + n_u) of each row, (n,), given `mean` and `item_bias`."""
    total = w["item_bias"].new_zeros(ratings.n_rows)
    for _, user, item, rating in ratings.blocks(BLOCK_RATINGS):
        total.index_add_(0, user, rating - w["mean"] - w["item_bias"][item])
    return total / (l2 + ratings.offsets.diff()).clamp(min=1e-9)  # without a penalty or a rating, 0


def item_means(train: RatingMatrix, l2: float) -> Tensor:
    """Return the items' mean ratings, (n_items,), stars, shrunk towards μ as if `l2` more ratings were μ."""
    learner = BiasLearner(BiasSettings(l2_item=l2), train, train.offsets.device)
    learner._solve("item_bias", l2)
    return (learner.w["mean"] + learner.w["item_bias"]).float()


def fit_biases(train: RatingMatrix, settings: StartingBiases) -> dict[str, Tensor]:
    """Return `mean`, `user_bias` and `item_bias` after some sweeps, for a model that is built upon them."""
    penalties = BiasSettings(l2_user=settings.l2_user, l2_item=settings.l2_item)
    learner = BiasLearner(penalties, train, train.offsets.device)
    for epoch in range(settings.bias_epochs):
        learner.train_epoch(epoch + 1)
    return learner.weights()
