"""AutoRec (Sedhain, Menon, Sanner & Xie, WWW 2015): the project's autoencoder, on items' or users' vectors.

One hidden layer, h(r; θ) = f(W g(V r + μ) + b), with a sigmoid g and the identity as f, the pair that
the authors found best.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deeprec.autoencoder import AutoEncoderLearner, AutoEncoderSettings
from deeprec.factors import clip, rating_range
from deeprec.matrix import Part, RatingMatrix


@dataclass(frozen=True)
class AutoRecSettings:
    """What defines an AutoRec; the config's schema describes each."""

    rows: str
    hidden: int
    l2: float
    optimizer: str
    lr: float
    momentum: float
    batch_size: int
    clip: bool
    epochs: int


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
        norm = sum(w.square().sum() for w in [*self.model.encode_w, *self.model.decode_w])
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
        constrained=False,
        dropout=0.0,
        input_noise=0.0,
        refeed=0,
        refeed_noise=0.0,
        optimizer=s.optimizer,
        lr=s.lr,
        momentum=s.momentum,
        weight_decay=0.0,
        l2=0.0,
        lr_milestones=[],
        lr_decay=1.0,
        batch_size=s.batch_size,
        drop_last=False,
        output_start="random",
        precision="fp32",
        epochs=s.epochs,
    )
