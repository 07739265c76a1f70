"""Training an autoencoder on rating vectors: batches, dense re-feeding, optimizer and schedule."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deeprec.matrix import Part, RatingMatrix
from deeprec.model import AutoEncoder, squared_error

PREDICT_BATCH = 1024  # users; bounds memory, not results


@dataclass(frozen=True)
class AutoEncoderSettings:
    """What defines an autoencoder's training; the config's schema describes each."""

    hidden: list[int]
    activation: str
    last_activation: str
    constrained: bool
    dropout: float
    input_noise: float
    refeed: int
    refeed_noise: float
    optimizer: str
    lr: float
    momentum: float
    weight_decay: float
    lr_milestones: list[int]
    lr_decay: float
    batch_size: int
    drop_last: bool
    epochs: int


class AutoEncoderLearner:
    """Learns to complete the rows of a rating matrix; torch's global generator must be seeded before."""

    def __init__(self, settings: AutoEncoderSettings, train: RatingMatrix, device: torch.device):
        self.settings, self.device = settings, device
        self.matrix = train.to(device)
        s = settings
        self.model = AutoEncoder(
            train.n_items, s.hidden, s.activation, s.last_activation, s.constrained, s.dropout, s.input_noise
        ).to(device)
        self.optimizer = _optimizer(s, self.model)

    def lr(self, epoch: int) -> float:
        """Halve (`lr_decay`) at each milestone; the original counts epochs from 0, so 24 is our 25th."""
        s = self.settings
        return s.lr * s.lr_decay ** sum(epoch > milestone for milestone in s.lr_milestones)

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """See every user once, in a new order."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr(epoch)
        self.model.train()
        # Summed on the device and read once an epoch: reading each step's loss would stall a GPU.
        sums = [self.step(self.matrix.dense(users)) for users in self._batches()]
        return tuple(torch.stack(column).double().cpu().numpy() for column in zip(*sums, strict=True))

    def _batches(self) -> Iterator[Tensor]:
        order = torch.randperm(self.matrix.n_users).to(self.device)
        size = self.settings.batch_size
        n_full = self.matrix.n_users // size * size
        # The original drops the last, incomplete batch; a data set smaller than one batch is kept whole.
        return iter(order[:n_full].split(size) if self.settings.drop_last and n_full else order.split(size))

    def step(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Update on a batch x (batch, n_items), re-feed (slides 19-21), and return x's squared error and count."""
        y = self.model(x)
        error, count = squared_error(y, x)
        self._update(error / count)
        for _ in range(self.settings.refeed):
            # f(x) as it was before the update is input and target of the next pass; every output counts.
            fed = y.detach()
            y = self.model(F.dropout(fed, self.settings.refeed_noise))
            self._update(F.mse_loss(y, fed))
        return error.detach(), count

    def _update(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs, given the users' training ratings as input."""
        self.model.eval()
        user, item = part.user, part.item
        prediction = np.empty(len(user), np.float32)
        # Pairs are grouped by user, so that each user is decoded once however many of his items are asked for.
        users, place = np.unique(user, return_inverse=True)
        order = np.argsort(place, kind="stable")
        bounds = np.searchsorted(place[order], np.arange(0, len(users) + PREDICT_BATCH, PREDICT_BATCH))
        for batch, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            first, chosen = batch * PREDICT_BATCH, order[start:stop]
            rows = torch.from_numpy(users[first : first + PREDICT_BATCH]).to(self.device)
            y = self.model(self.matrix.dense(rows))  # (batch, n_items)
            row, column = (torch.from_numpy(i).to(self.device) for i in (place[chosen] - first, item[chosen]))
            prediction[chosen] = y[row, column].cpu().numpy()
        return prediction

    def weights(self) -> dict[str, Any]:
        """Return the model's parameters."""
        return self.model.state_dict()

    def state(self) -> dict[str, Any]:
        """Return the optimizer's momenta."""
        return self.optimizer.state_dict()

    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Take over parameters, and momenta to train on from."""
        self.model.load_state_dict(weights)
        if state is not None:
            self.optimizer.load_state_dict(state)


def _optimizer(s: AutoEncoderSettings, model: AutoEncoder) -> torch.optim.Optimizer:
    if s.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), s.lr, weight_decay=s.weight_decay, fused=True)
    return torch.optim.SGD(model.parameters(), s.lr, s.momentum, weight_decay=s.weight_decay, fused=True)
