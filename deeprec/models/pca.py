"""PCA, the linear case of an autoencoder (slide 6): truncated SVD of ratings less biases, missing = 0.

With E = r - μ - b_u - b_i where rated and 0 elsewhere, the code is E V and the output E V Vᵀ, where V holds
the first right singular vectors: no code of that size gives E back with less error (Eckart & Young 1936).
Found by subspace iteration (Halko, Martinsson & Tropp, SIAM Review 2011, algorithm 4.4).
"""

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, RatingMatrix
from deeprec.models.bias import fit_biases, new_user_biases
from deeprec.models.factors import FactorLearner
from deeprec.runtime.files import InputError
from deeprec.settings.pca import PcaSettings

OVERSAMPLE = 10  # directions beyond the rank, which make the wanted ones converge faster


class PcaLearner(FactorLearner):
    """Finds the first singular vectors; an epoch is one subspace iteration. E is never dense."""

    def __init__(self, settings: PcaSettings, train: RatingMatrix, device: torch.device):
        super().__init__(train, device, clip=settings.clip)
        size = min(train.n_rows, train.n_columns)
        if settings.rank > size:
            raise InputError(
                f"model 'pca': rank {settings.rank} of a matrix of {train.n_rows} users × "
                f"{train.n_columns} items; expected at most {size}"
            )
        self.rank, self.l2_user = settings.rank, settings.l2_user
        self.biases = fit_biases(self.matrix, settings)
        self.w = dict(self.biases)
        self.transposed = self.matrix.transpose()
        users, items = self.w["user_bias"], self.w["item_bias"]
        self.by_user = self._residuals(self.matrix, users, items)
        self.by_item = self._residuals(self.transposed, items, users)
        # Drawn on the CPU, so that a seed means the same on every device.
        self.v = _orthonormal(torch.randn(train.n_columns, min(settings.rank + OVERSAMPLE, size)).to(device))

    def _residuals(self, matrix: RatingMatrix, row_bias: Tensor, column_bias: Tensor) -> Tensor:
        residuals = torch.empty(matrix.n_ratings, device=self.device)
        for entries, row, column, rating in matrix.blocks(BLOCK_RATINGS):
            bias = self.w["mean"] + row_bias[row] + column_bias[column]
            residuals[entries] = (rating - bias).float()
        return residuals

    @torch.no_grad()
    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Turn V ← orth(Eᵀ E V) and keep its best `rank` directions."""
        u = self.matrix.product(self.by_user, self.v)  # (n_users, rank + oversample)
        self.v = _orthonormal(self.transposed.product(self.by_item, u))
        code = self.matrix.product(self.by_user, self.v).double()
        # Rayleigh-Ritz: within the subspace, the eigenvectors of Vᵀ Eᵀ E V are the best directions.
        turn = torch.linalg.eigh(code.T @ code).eigenvectors.flip(1)[:, : self.rank]
        factors = {"users": (code @ turn).float(), "items": (self.v.double() @ turn).float()}
        self.w = {**self.biases, **factors}
        return self.squared_error()

    def new_users(self, ratings: RatingMatrix) -> dict[str, Tensor]:
        """Return new users' biases, and their code E V."""
        bias = new_user_biases(ratings, self.w, self.l2_user)
        residuals = self._residuals(ratings, bias, self.w["item_bias"])
        return {"user_bias": bias, "users": ratings.product(residuals, self.w["items"])}

    def state(self) -> dict[str, Tensor]:
        """Return the subspace, the directions beyond the rank included."""
        return {"v": self.v}

    def load(self, weights: dict[str, Tensor], state: dict[str, Tensor] | None = None) -> None:
        """Take over factors, and a subspace to train on from."""
        super().load(weights)
        if state is not None:
            self.v = state["v"].to(self.device)


def _orthonormal(x: Tensor) -> Tensor:
    # In double precision: two products by E lose half the digits of a direction that E hardly stretches.
    q: Tensor = torch.linalg.qr(x.double()).Q
    return q.float()
