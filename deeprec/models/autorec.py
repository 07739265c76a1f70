"""AutoRec (Sedhain, Menon, Sanner & Xie, WWW 2015): the project's autoencoder, on items' or users' vectors.

One hidden layer, h(r; θ) = f(W g(V r + μ) + b), with a sigmoid g and the identity as f, the pair that the authors
found best. The objective Σ (r - h(r))² + λ/2 (‖W‖² + ‖V‖²) is divided by the number of training ratings, so that λ
means the same for every batch size; biases are not penalised. `rows: items` is I-AutoRec, `rows: users` U-AutoRec.
"""

import torch

from deeprec.data.matrix import RatingMatrix
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.settings.autorec import AutoRecSettings


class AutoRecLearner(AutoEncoderLearner):
    """Learns to complete items' vectors or users'."""

    def __init__(self, settings: AutoRecSettings, train: RatingMatrix, device: torch.device):
        super().__init__(_as_autoencoder(settings), train, device)


def _as_autoencoder(s: AutoRecSettings) -> AutoEncoderSettings:
    return AutoEncoderSettings(
        rows=s.rows,
        hidden=[s.hidden],
        activation="sigmoid",
        last_activation="identity",
        optimizer=s.optimizer,
        lr=s.lr,
        momentum=s.momentum,
        lr_milestones=[],
        l2=s.l2,  # the optimizer's gradient of λ/2 ‖W‖² / n is λ W / n
        l2_biases=False,
        batch_size=s.batch_size,
        clip=s.clip,
        epochs=s.epochs,
    )
