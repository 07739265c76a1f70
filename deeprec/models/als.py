"""ALS-WR: alternating least squares with weighted λ (Zhou, Wilkinson, Schreiber & Pan, AAIM 2008; slide 5)."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deeprec.data.matrix import RatingMatrix, counts_of
from deeprec.models.factors import FactorLearner
from deeprec.settings.als import AlsSettings

GROUP_RATINGS = 1 << 15  # ratings, padding included, whose factors are gathered at a time; bounds memory, not results


class AlsLearner(FactorLearner):
    """Minimises Σ (r - ⟨p_u, q_i⟩)² + λ (Σ n_u ‖p_u‖² + Σ n_i ‖q_i‖²), one side at a time."""

    def __init__(self, settings: AlsSettings, train: RatingMatrix, device: torch.device):
        super().__init__(train, device, clip=settings.clip)
        self.l2 = settings.l2
        self.sides = {"users": self.matrix, "items": self.matrix.transpose()}
        self.groups = {name: list(_groups(side)) for name, side in self.sides.items()}
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
        """Solve (Qᵤᵀ Qᵤ + λ n_u I) p_u = Qᵤᵀ r_u for every row of a side.

        Returns the squared error that is left, (): for p so solved and b = Qᵀ r, it is Σ r² - bᵀp - λ n ‖p‖².
        """
        side, rank, device = self.sides[name], others.shape[1], self.device
        rating = side.values.float()
        right = side.product(rating, others)  # (n_rows, rank)
        error = rating.square().sum(dtype=torch.float64)
        del rating
        # A last row of zeros is what the padding points to: it adds nothing to any sum.
        others = torch.cat([others, others.new_zeros(1, rank)])
        identity, solved = torch.eye(rank, device=device), torch.empty(side.n_rows, rank, device=device)
        for rows in self.groups[name]:
            item, count = _padded_columns(side, rows)
            q, b = F.embedding(item, others), right[rows]  # (rows, longest, rank), (rows, rank)
            ridge = self.l2 * count.clamp(min=1)[:, None]  # (rows, 1)
            a = (q.mT @ q).add_(ridge[..., None] * identity)  # (rows, rank, rank)
            p = torch.cholesky_solve(b[..., None], torch.linalg.cholesky(a))[..., 0]  # (rows, rank)
            error -= (p * (b + ridge * p)).sum(dtype=torch.float64)
            solved[rows] = p
        self.w[name] = solved
        return error


def _groups(matrix: RatingMatrix) -> Iterator[Tensor]:
    """Yield rows of about the same number of ratings together, as many as GROUP_RATINGS allows, at least one."""
    counts, rows = matrix.offsets.diff().sort(descending=True, stable=True)
    longest, start = counts.tolist(), 0
    while start < len(rows):
        stop = start + max(1, GROUP_RATINGS // max(1, longest[start]))
        yield rows[start:stop]
        start = stop


def _padded_columns(matrix: RatingMatrix, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows' columns, (rows, longest) with n_columns in the padding, and how many each has, (rows,)."""
    count = counts_of(matrix.offsets, rows)
    at = torch.arange(int(count.max()), device=rows.device)
    padding = at >= count[:, None]
    entry = (matrix.offsets[rows][:, None] + at).masked_fill_(padding, 0)
    return matrix.columns.take(entry).int().masked_fill_(padding, matrix.n_columns), count


def _row_means(matrix: RatingMatrix) -> Tensor:
    row = torch.repeat_interleave(matrix.offsets.diff())
    total = torch.zeros(matrix.n_rows, device=row.device).index_add_(0, row, matrix.values.float())
    return total / matrix.offsets.diff().clamp(min=1)
