"""Training an autoencoder on rating vectors: batches, dense re-feeding, optimizer and schedule."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.models.bias import item_means
from deeprec.models.network import AutoEncoder
from deeprec.models.optimizers import make_optimizer
from deeprec.runtime import parallel
from deeprec.settings.autoencoder import AutoEncoderSettings

MEANS_L2 = 5.0  # ratings of μ that an item's mean counts beside its own, when the output layer starts from it
PREDICT_BATCH = 1024  # users; bounds memory, not results


class AutoEncoderLearner:
    """Learns to complete the rows of a rating matrix; torch's global generator must be seeded before."""

    def __init__(self, settings: AutoEncoderSettings, train: RatingMatrix, device: torch.device):
        self.settings, self.device = settings, device
        self.matrix = train.to(device)
        self.model = AutoEncoder(train.n_columns, settings).to(device)
        if settings.output_start == "means":
            self.model.start_at(item_means(self.matrix, MEANS_L2))
        weight_decay = settings.weight_decay + settings.l2 / train.n_ratings
        self.optimizer = make_optimizer(self.model.parameters(), settings, weight_decay)

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
        errors, counts = zip(*(self.step(users) for users in self._batches()), strict=True)
        return parallel.total(torch.stack(errors).double()).cpu().numpy(), np.array(counts)

    def _batches(self) -> Iterator[Tensor]:
        order = parallel.shuffled(self.matrix.n_rows)
        size = self.settings.batch_size
        n_full = self.matrix.n_rows // size * size
        # The original drops the last, incomplete batch; a data set smaller than one batch is kept whole.
        return iter(order[:n_full].split(size) if self.settings.drop_last and n_full else order.split(size))

    def step(self, users: Tensor) -> tuple[Tensor, int]:
        """Update on a batch of users, re-feed (slides 19-21), and return their squared error and number of ratings.

        Of several processes, each sees its share of the users; its losses, divided by what the whole batch counts,
        add up to the batch's, and its squared error is the share's.
        """
        x, n_ratings = self.matrix.rows(parallel.share(users)), self.matrix.count(users)
        h = self.model.hidden(self.model.dropout(self.model.encode(x.noisy(self.settings.input_noise))))
        # f(x) as it was before the update is input and target of the next pass, where every output counts.
        fed = self.model.output(h.detach()).detach() if self.settings.refeed else None
        error = (self.model.output(h, at=x) - x.values).square().sum()  # masked: rated items only (slide 7)
        self._update(error / n_ratings)
        for _ in range(self.settings.refeed):
            assert fed is not None
            y = self.model(F.dropout(fed, self.settings.refeed_noise))
            # The mean squared error's gradient at once: its value, which nobody reads, costs as much again.
            self._update(y, (y.detach() - fed) * (2 / (len(users) * self.matrix.n_columns)))
            fed = y.detach()
        return error.detach(), n_ratings

    def _update(self, loss: Tensor, gradient: Tensor | None = None) -> None:
        """Move the weights one step against the gradient of a loss, ().

        Instead of the loss, any tensor will do that it is computed from, with the loss's `gradient` by that tensor.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward(gradient)
        parallel.sum_gradients(self.model.parameters())
        self.optimizer.step()

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs, given the users' training ratings as input; only what is asked for is computed."""
        self.model.eval()
        user, item = part.user, part.item
        order = np.lexsort((item, user))
        shape = self.matrix.n_rows, self.matrix.n_columns
        asked = rating_matrix(user[order], item[order], np.zeros(len(user), np.int8), *shape).to(self.device)
        users = torch.from_numpy(np.unique(user))
        found = [self.model(self.matrix.rows(rows), at=asked.rows(rows)) for rows in users.split(PREDICT_BATCH)]
        prediction = np.empty(len(user), np.float32)
        prediction[order] = torch.cat(found).cpu().numpy()
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
