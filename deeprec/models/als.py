"""ALS-WR: alternating least squares with weighted λ (Zhou, Wilkinson, Schreiber & Pan, AAIM 2008; slide 5)."""

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, RatingMatrix
from deeprec.models.factors import FactorLearner
from deeprec.models.least_squares import row_groups, solve_rows
from deeprec.settings.als import AlsSettings


class AlsLearner(FactorLearner):
    """Minimises Σ (r - ⟨p_u, q_i⟩)² + λ (Σ n_u ‖p_u‖² + Σ n_i ‖q_i‖²), one side at a time."""

    def __init__(self, settings: AlsSettings, train: RatingMatrix, device: torch.device):
        super().__init__(train, device, clip=settings.clip)
        self.l2 = settings.l2
        self.sides = {"users": self.matrix, "items": self.matrix.transpose()}
        self.groups = {name: row_groups(side) for name, side in self.sides.items()}
        # As the authors start: an item's first factor is its average rating, the others are small.
        items = (torch.randn(train.n_columns, settings.rank) * settings.init_std).to(device)
        items[:, 0] = _row_means(self.sides["items"])
        self.w = {"users": torch.zeros(train.n_rows, settings.rank, device=device), "items": items}

    @torch.no_grad()
    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Solve for the users, given the items, then for the items."""
        self.solve("users", self.w["items"])
        error = self.solve("items", self.w["users"])
        return np.array([error.item()]), np.array([self.matrix.n_ratings])

    def solve(self, name: str, others: Tensor) -> Tensor:
        """Solve for every row of a side, given the other side's factors; return the squared error that is left, ()."""
        side = self.sides[name]
        self.w[name], error = solve_rows(side, side.values, others, self.l2, self.groups[name])
        return error

    def new_users(self, ratings: RatingMatrix) -> dict[str, Tensor]:
        """Solve for new users, given the items' factors."""
        users, _ = solve_rows(ratings, ratings.values, self.w["items"], self.l2, row_groups(ratings))
        return {"users": users}


def _row_means(matrix: RatingMatrix) -> Tensor:
    total = torch.zeros(matrix.n_rows, device=matrix.values.device)
    for _, row, _, value in matrix.blocks(BLOCK_RATINGS):
        total.index_add_(0, row, value)
    return total / matrix.offsets.diff().clamp(min=1)
