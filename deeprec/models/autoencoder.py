"""Training an autoencoder on rating vectors: batches, dense re-feeding, optimizer and schedule."""

import logging
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.data.sparse import SparseRows
from deeprec.models.bias import item_means
from deeprec.models.center import MEANS_L2, PREFIX, center_of
from deeprec.models.compiled import compiled
from deeprec.models.factors import clip, rating_range
from deeprec.models.network import ACTIVATIONS, PRECISIONS, AutoEncoder, computes_bf16
from deeprec.models.optimizers import make_optimizer
from deeprec.models.reach import warn_out_of_reach
from deeprec.runtime import parallel
from deeprec.runtime.files import InputError
from deeprec.settings.autoencoder import AutoEncoderSettings

log = logging.getLogger(__name__)

PREDICT_BATCH = 1024  # rows; bounds memory, not results


class AutoEncoderLearner:
    """Learns to complete the rows of a rating matrix, users' or items'; torch's global generator must be seeded before.

    `model` is the network that learns, `mean_model` the one that predicts: the mean of its weights, where `ema_epochs`
    asks for one, else the very same.
    """

    def __init__(self, settings: AutoEncoderSettings, train: RatingMatrix, device: torch.device):
        self.settings, self.device = settings, device
        self.by_item = settings.rows == "items"
        self.center = center_of(settings, train.to(device))
        self.matrix = (train.transpose() if self.by_item else train).to(device)
        self.limits = rating_range(train) if settings.clip else None
        self.model = AutoEncoder(self.matrix.n_columns, settings).to(device)
        if not computes_bf16(device):
            self.model.precision = PRECISIONS["fp32"]
        if self.center is None:  # else it ends in what reaches all, as its settings ask
            warn_out_of_reach(self.model.last_name, self.model.last_activation, self.matrix.values)
        if settings.output_start == "means":
            self.model.start_at(item_means(self.matrix, MEANS_L2))
        self.mean_model = deepcopy(self.model) if settings.ema_epochs else self.model
        self.batch_size = settings.rows_a_step(self.matrix.n_rows)
        self.n_updates = 0
        self._kept: Tensor | None = None
        self.optimizer = self._optimizer(settings.weight_decay + settings.l2 / train.n_ratings)

    def _optimizer(self, weight_decay: float) -> torch.optim.Optimizer:
        if self.settings.l2_biases:
            return make_optimizer(self.model.parameters(), self.settings, weight_decay)
        weights: list[dict[str, Any]] = [
            {"params": self.model.weight_matrices()},
            {"params": self.model.biases(), "weight_decay": 0.0},
        ]
        return make_optimizer(weights, self.settings, weight_decay)

    def lr(self, epoch: int) -> float:
        """Halve (`lr_decay`) at each milestone; the original counts epochs from 0, so 24 is our 25th."""
        s = self.settings
        lr = s.lr * s.lr_share(self.matrix.n_rows, self.matrix.n_ratings)
        return lr * s.lr_decay ** sum(epoch > milestone for milestone in s.lr_milestones)

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """See every row once, in a new order."""
        self._kept = None
        if epoch == 1 and self.model.precision != PRECISIONS[self.settings.precision]:
            log.warning("precision: found bf16, which this processor can only imitate; it computes in fp32 instead")
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr(epoch)
        self.model.train()
        # Summed on the device and read once an epoch: reading each step's loss would stall a GPU.
        errors, counts = zip(*(self.step(rows) for rows in self._batches()), strict=True)
        return parallel.total(torch.stack(errors).double()).cpu().numpy(), np.array(counts)

    def _batches(self) -> Iterator[Tensor]:
        order = parallel.shuffled(self.matrix.n_rows)
        size = self.batch_size
        n_full = self.matrix.n_rows // size * size
        # The original drops the last, incomplete batch; a data set smaller than one batch is kept whole.
        return iter(order[:n_full].split(size) if self.settings.drop_last and n_full else order.split(size))

    def _read(self, rows: Tensor) -> SparseRows:
        """Return the rating vectors of some rows, less their center."""
        x = self.matrix.rows(rows)
        return x if self.center is None else SparseRows(x.at, x.values - self.center.of(x, rows))

    def _input(self, x: SparseRows) -> SparseRows:
        offset = self.settings.input_offset
        return SparseRows(x.at, x.values + offset) if offset else x

    def step(self, rows: Tensor) -> tuple[Tensor, int]:
        """Update on a batch of rows, re-feed (slides 19-21), and return their squared error and number of ratings.

        Of several processes, each sees its share of the rows; its losses, divided by what the whole batch counts,
        add up to the batch's, and its squared error is the share's.
        """
        x, n_ratings = self._read(parallel.share(rows)), self.matrix.count(rows)
        h = self.model.hidden(self.model.dropout(self.model.encode(self._input(x).noisy(self.settings.input_noise))))
        # f(x) as it was before the update is input and target of the next pass, where every output counts.
        fed = self.model.output(h.detach()).detach() if self.settings.refeed else None
        error = (self.model.output(h, at=x) - x.values).square().sum()  # masked: rated items only (slide 7)
        self._update(error / n_ratings)
        for _ in range(self.settings.refeed):
            assert fed is not None
            y = self._again(F.dropout(fed + self.settings.input_offset, self.settings.refeed_noise))
            # The mean squared error's gradient at once: its value, which nobody reads, costs as much again.
            self._update(y, (y.detach() - fed) * (2 / (len(rows) * self.matrix.n_columns)))
            fed = y.detach().clone() if self.settings.compiled else y.detach()
        return error.detach(), n_ratings

    @cached_property
    def _again(self) -> Callable[[Tensor], Tensor]:
        """A re-fed pass: f, as the settings have it computed."""
        return compiled(self.model) if self.settings.compiled else self.model

    def _update(self, loss: Tensor, gradient: Tensor | None = None) -> None:
        """Move the weights one step against the gradient of a loss, ().

        Instead of the loss, any tensor will do that it is computed from, with the loss's `gradient` by that tensor.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward(gradient)
        parallel.sum_gradients(self.model.parameters())
        self.optimizer.step()
        self.n_updates += 1
        if self.mean_model is not self.model:
            self._take_mean()

    @torch.no_grad()
    def _take_mean(self) -> None:
        """Move the mean of the weights towards them: w̄ += (w - w̄) / n, the plain mean until n is the horizon."""
        n_steps = -(-self.matrix.n_rows // self.batch_size)
        horizon = self.settings.ema_epochs * n_steps * (1 + self.settings.refeed)
        share = 1 / max(1.0, min(self.n_updates, horizon))
        torch._foreach_lerp_(list(self.mean_model.parameters()), list(self.model.parameters()), share)

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs, given the rows' training ratings as input; only what is asked for is computed.

        Where ratings are centred, a user or an item without training ratings gets the center alone.
        """
        self.mean_model.eval()
        row, column = (part.item, part.user) if self.by_item else (part.user, part.item)
        order = np.lexsort((column, row))
        shape = self.matrix.n_rows, self.matrix.n_columns
        asked = rating_matrix(row[order], column[order], np.zeros(len(row), np.int8), *shape).to(self.device)
        found = [self._score(rows, asked.rows(rows)) for rows in torch.from_numpy(np.unique(row)).split(PREDICT_BATCH)]
        prediction = np.empty(len(row), np.float32)
        prediction[order] = torch.cat(found).cpu().numpy()
        return clip(prediction, self.limits)

    def _score(self, rows: Tensor, asked: SparseRows) -> Tensor:
        y: Tensor = self.mean_model(self._input(self._read(rows)), at=asked)
        return y if self.center is None else self.center.added_to(y, asked, rows)

    @torch.no_grad()
    def scores(self, users: Tensor) -> Tensor:
        """Score all items for some users, given on the CPU: (n, n_items), stars, not clipped."""
        if self.by_item:
            w, b = (side[users.to(self.device)] for side in self.mean_model.last_layer)
            y = self._outputs(w, b)
        else:
            y = self.mean_model.eval().complete(self._input(self._read(users)))
        return y if self.center is None else self.center.added_to_all(y, users)

    @torch.no_grad()
    def fold_in(self, ratings: RatingMatrix) -> Tensor:
        """Score all items for new users, a row of ratings each: (n, n_items), stars, not clipped.

        Over users' vectors by a forward pass. Over items' vectors a new user is an output that the network lacks: its
        weights w and bias b minimise what training does, Σ (r - b_ui - ⟨w, h_i⟩ - b)² + λ/2 ‖w‖², with the items' last
        hidden vectors h_i as they are. Raises InputError where the output layer is not linear.
        """
        ratings, everyone = ratings.to(self.device), torch.arange(ratings.n_rows)
        x, center = ratings.rows(everyone), self.center and self.center.for_new(ratings)
        if center:
            x = SparseRows(x.at, x.values - center.of(x, everyone))
        y = self._outputs(*self._new_outputs(x)) if self.by_item else self.mean_model.eval().complete(self._input(x))
        return y if center is None else center.added_to_all(y, everyone)

    def _new_outputs(self, x: SparseRows) -> tuple[Tensor, Tensor]:
        """Return the output layer's weights (n, hidden[0]) and biases (n,) of new users, given their ratings."""
        if self.mean_model.last_activation is not ACTIVATIONS["identity"][0]:
            raise InputError(
                "rows: found items, whose network has an output for each user; a new one's can be solved for where "
                "last_activation is identity only"
            )
        s, n = self.settings, self.matrix.n_ratings
        h = torch.cat([self._hidden, torch.ones_like(self._hidden[:, :1])], 1).double()  # (n_items, hidden[0] + 1)
        ridge = torch.full((h.shape[1],), (s.l2 + s.weight_decay * n) / 2, dtype=torch.float64, device=self.device)
        if not s.l2_biases:
            ridge[-1] = 0
        ridge += 1e-9  # what is free is 0 without ratings
        solved = []
        for begin, end in pairwise(x.at.offsets.tolist()):
            rated, r = h[x.at.columns[begin:end].long()], x.values[begin:end].double()
            solved.append(torch.linalg.solve(rated.T @ rated + ridge.diag(), rated.T @ r))
        w = torch.stack(solved).float()
        return w[:, :-1], w[:, -1]

    def _outputs(self, w: Tensor, b: Tensor) -> Tensor:
        """Return users' outputs for all items, (n, n_items), given the output layer's rows of these users."""
        return self.mean_model.last_activation(torch.addmm(b[:, None], w, self._hidden.T))

    @property
    def _hidden(self) -> Tensor:
        """The last hidden vectors of all rows, (n_rows, hidden[0]): computed once for the weights that are loaded."""
        if self._kept is None:
            self.mean_model.eval()
            batches = torch.arange(self.matrix.n_rows).split(PREDICT_BATCH)
            codes = (self.mean_model.encode(self._input(self._read(rows))) for rows in batches)
            self._kept = torch.cat([self.mean_model.hidden(z) for z in codes])
        return self._kept

    def weights(self) -> dict[str, Any]:
        """Return what predicts: the network's parameters, and the center."""
        return self.mean_model.state_dict() | (self.center.weights() if self.center else {})

    def state(self) -> dict[str, Any]:
        """Return the optimizer's momenta and, where another network predicts, the one that learns."""
        state = {"optimizer": self.optimizer.state_dict(), "n_updates": self.n_updates}
        return state if self.mean_model is self.model else {**state, "model": self.model.state_dict()}

    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Take over what predicts, and a state to train on from."""
        self._kept = None
        if self.center:
            self.center = self.center.with_weights(weights)
        self.mean_model.load_state_dict({k: v for k, v in weights.items() if not k.startswith(PREFIX)})
        if state is not None:
            self.optimizer.load_state_dict(state["optimizer"])
            self.n_updates = state["n_updates"]
            if "model" in state:
                self.model.load_state_dict(state["model"])
