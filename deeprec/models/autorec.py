"""AutoRec (Sedhain, Menon, Sanner & Xie, WWW 2015): the project's autoencoder, on items' or users' vectors.

One hidden layer, h(r; θ) = f(W g(V r + μ) + b), with a sigmoid g and the identity as f, the pair that
the authors found best.
"""

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import Part, RatingMatrix
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.models.factors import clip, rating_range
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.settings.autorec import AutoRecSettings


class AutoRecLearner(AutoEncoderLearner):
    """Learns to complete items' vectors (`rows: items`, I-AutoRec) or users' (U-AutoRec)."""

    def __init__(self, settings: AutoRecSettings, train: RatingMatrix, device: torch.device):
        self.by_item = settings.rows == "items"
        super().__init__(_as_autoencoder(settings), train.transpose() if self.by_item else train, device)
        self.limits = rating_range(train) if settings.clip else None
        self.l2 = settings.l2

    def step(self, rows: Tensor) -> tuple[Tensor, int]:
        """Update on a batch of rows and return its squared error and number of ratings.

        The objective Σ (r - h(r))² + λ/2 (‖W‖² + ‖V‖²) is divided by the number of training ratings,
        so that λ means the same for every batch size; biases are not penalised.
        """
        x = self.matrix.rows(rows)
        error, count = (self.model(x, at=x) - x.values).square().sum(), len(x.values)
        norm = sum(w.square().sum() for w in self.model.weight_matrices())
        self._update(error / count + self.l2 / 2 * norm / self.matrix.n_ratings)
        return error.detach(), count

    def predict(self, part: Part) -> np.ndarray:
        """Score pairs, given the training ratings of the items (I-AutoRec) or users as input."""
        turned = Part(part.item, part.user, part.rating) if self.by_item else part
        return clip(super().predict(turned), self.limits)


def _as_autoencoder(s: AutoRecSettings) -> AutoEncoderSettings:
    return AutoEncoderSettings(
        hidden=[s.hidden],
        activation="sigmoid",
        last_activation="identity",
        optimizer=s.optimizer,
        lr=s.lr,
        momentum=s.momentum,
        lr_milestones=[],
        batch_size=s.batch_size,
        epochs=s.epochs,
    )
