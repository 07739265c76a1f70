"""PMF: probabilistic matrix factorisation (Mnih & Salakhutdinov, NIPS 2007), with a linear output."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import RatingMatrix
from deeprec.models.factors import FactorLearner, mean_rating
from deeprec.models.least_squares import row_groups, solve_rows
from deeprec.models.optimizers import make_optimizer
from deeprec.settings.pmf import PmfSettings


class PmfLearner(FactorLearner):
    """Minimises Σ (r - μ - ⟨p_u, q_i⟩)² + λ (‖p_u‖² + ‖q_i‖²) over the ratings, by mini-batches.

    The penalty counts once a rating, as in the code that the authors published; in the paper
    once a user and item. They subtract the mean μ; with `center` off, μ is 0 and a factor comes to hold the
    ratings' level, which validates better on MovieLens. Torch's global generator must be seeded before.
    """

    def __init__(self, settings: PmfSettings, train: RatingMatrix, device: torch.device):
        super().__init__(train, device, clip=settings.clip)
        self.settings = settings
        users, items = (
            (torch.randn(n, settings.rank) * settings.init_std).to(device).requires_grad_()
            for n in (train.n_rows, train.n_columns)
        )
        mean = mean_rating(self.matrix) if settings.center else torch.zeros((), device=device)
        self.w = {"mean": mean.float(), "users": users, "items": items}
        self.optimizer = make_optimizer([users, items], settings)

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """See every rating once, in a new order."""
        order = torch.randperm(self.matrix.n_ratings, dtype=torch.int32)
        batches = order.split(self.settings.batch_size)
        # Kept on the device and read once an epoch: reading each step's loss would stall a GPU. In one tensor, since
        # small ones that outlive their step lie between the large blocks of others, which then fit in no longer.
        errors = torch.empty(len(batches), device=self.device)
        for step, batch in enumerate(batches):
            errors[step] = self.step(batch.to(self.device).long())
        return errors.double().cpu().numpy(), np.array([len(batch) for batch in batches])

    def step(self, entries: Tensor) -> Tensor:
        """Update on some ratings, given as entries of the matrix; return their squared error, ()."""
        m = self.matrix
        user = torch.searchsorted(m.offsets, entries, right=True) - 1
        p, q = self.w["users"][user], self.w["items"][m.columns[entries].long()]  # (batch, rank)
        error = (m.values[entries] - self.w["mean"] - (p * q).sum(1)).square().sum()
        penalty = self.settings.l2 * (p.square().sum() + q.square().sum())
        self.optimizer.zero_grad(set_to_none=True)
        ((error + penalty) / len(entries)).backward()
        self.optimizer.step()
        return error.detach()

    def new_users(self, ratings: RatingMatrix) -> dict[str, Tensor]:
        """Solve for new users' factors, given the items': for them alone, the objective is a least squares."""
        rating = ratings.values.float() - self.w["mean"]
        users, _ = solve_rows(ratings, rating, self.w["items"].detach(), self.settings.l2, row_groups(ratings))
        return {"users": users}

    def lr(self, epoch: int) -> float:
        """Return the learning rate, the same in every epoch."""
        return self.settings.lr

    def weights(self) -> dict[str, Any]:
        """Return the mean and the factors."""
        return {name: value.detach() for name, value in self.w.items()}

    def state(self) -> dict[str, Any]:
        """Return the optimizer's momenta."""
        return self.optimizer.state_dict()

    @torch.no_grad()
    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Take over factors, and momenta to train on from."""
        for name, value in weights.items():
            self.w[name].copy_(value)
        if state is not None:
            self.optimizer.load_state_dict(state)
