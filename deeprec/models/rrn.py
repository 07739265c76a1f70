"""RRN: recurrent recommender networks (Wu, Ahmed, Beutel, Smola & Jing, WSDM 2017).

A user is a sequence of steps, one for each time bucket in which he rates, and so is an item. An LSTM a side
reads them:

    y_t = W_embed [x_t, newcomer, τ_t, τ_{t-1}]         x_t: the bucket's ratings
    h_t = LSTM(h_{t-1}, y_t)
    r̂_ui|t = μ + b_u + b_i + ⟨A h_u + a, A' h_i + a'⟩ + ⟨p_u, q_i⟩     states before t, stationary factors

Buckets without ratings are skipped; τ tells the network how long they lasted. A training rating is predicted
from the states before its bucket, so that no input holds what is to be predicted; a rating of another part
from the states advanced with all training ratings up to its bucket. Training alternates between subspaces:
the users' side with the items' states held fixed, then the other way round.
The biases start from the bias-only model's, where the paper starts from a trained PMF.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from deeprec.data.matrix import BLOCK_RATINGS, Part, RatingMatrix, counts_of, entries_of
from deeprec.models.bias import fit_biases
from deeprec.models.factors import clip, rating_range
from deeprec.models.least_squares import row_groups, solve_rows
from deeprec.models.sequences import Sequences, dates_of, time_buckets
from deeprec.runtime.files import InputError
from deeprec.settings.rrn import RrnSettings


class Side(nn.Module):
    """The parameters of the users or of the items, and the network that follows them through time."""

    def __init__(self, seq: Sequences, s: RrnSettings, bias: Tensor):
        super().__init__()
        self.embed = nn.Parameter(torch.randn(seq.n_others, s.embedding) * s.init_std)
        self.embed_time = nn.Linear(3, s.embedding)  # newcomer, τ_t, τ_{t-1}
        self.lstm = nn.LSTM(s.embedding, s.hidden)
        self.affine = nn.Linear(s.hidden, s.dynamic_rank)
        self.factors = nn.Parameter(torch.randn(seq.n_rows, s.rank) * s.init_std)
        self.bias = nn.Parameter(bias.float().cpu())

    def inputs(self, seq: Sequences, step: Tensor, t: Tensor, mean: Tensor) -> Tensor:
        """Return y_t of some steps, the t-th of their rows: (n_steps, embedding)."""
        at, entry = entries_of(seq.step_ratings, step)
        count = counts_of(seq.step_ratings, step)
        # Ratings about the mean, since 0 stands for "not rated"; a step's sum is kept to one rating's scale.
        weight = (seq.ratings[entry].float() - mean) / count.sqrt()[at]
        x = F.embedding_bag(
            seq.others[entry].long(),
            self.embed,
            count.cumsum(0) - count,
            mode="sum",
            per_sample_weights=weight,
        )
        newcomer = t == 0
        tau, tau_before = (
            seq.keys[s] % seq.n_buckets / seq.n_buckets for s in (step, torch.where(newcomer, step, step - 1))
        )
        time: Tensor = self.embed_time(torch.stack([newcomer.float(), tau, tau_before], 1))
        return x + time

    def states(self, seq: Sequences, rows: Tensor, mean: Tensor) -> Tensor:
        """Return A h + a of rows' states, (n_rows + n_steps, dynamic_rank), laid out as in `Sequences`."""
        row, step = entries_of(seq.step_offsets, rows)  # (n_steps,)
        t = step - seq.step_offsets[rows][row]
        # An LSTM wants its sequences side by side, the longest first; packed so, none is padded.
        longest_first = torch.argsort(torch.argsort(counts_of(seq.step_offsets, rows), descending=True))
        order = torch.argsort(t * len(rows) + longest_first[row])
        y = self.inputs(seq, step, t, mean)
        h = self.lstm(PackedSequence(y[order], torch.bincount(t).cpu()))[0].data  # (n_steps, hidden)
        after = torch.arange(len(step), device=rows.device) + row + 1  # where the state after each step lies
        initial = h.new_zeros(len(rows) + len(step), h.shape[1])
        states: Tensor = self.affine(initial.index_copy(0, after[order], h))
        return states

    @torch.no_grad()
    def blocks(self, seq: Sequences, mean: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all rows in order with their states, computed about BLOCK_RATINGS ratings at a time."""
        for rows in seq.batches(torch.arange(seq.n_rows, device=seq.offsets.device), BLOCK_RATINGS):
            yield rows, self.states(seq, rows, mean)

    def all_states(self, seq: Sequences, mean: Tensor) -> Tensor:
        """Return every row's states, the one thing here that grows with the ratings: so in half precision."""
        size = seq.n_rows + len(seq.keys), self.affine.out_features
        states, end = torch.empty(size, dtype=torch.float16, device=seq.keys.device), 0
        for _, block in self.blocks(seq, mean):
            states[end : end + len(block)] = block
            end += len(block)
        return states


class RrnLearner:
    """Alternates between the two sides, half an epoch each. Seed torch's global generator before."""

    def __init__(self, settings: RrnSettings, train: RatingMatrix, device: torch.device):
        self.settings, self.device = settings, device
        self.first_date, n_buckets = time_buckets(train, settings.bucket_days)
        self.limits = rating_range(train) if settings.clip else None
        matrix = train.to(device)
        biases = fit_biases(matrix, settings)
        self.mean = biases["mean"].float()
        self._buckets = self.first_date, settings.bucket_days, n_buckets
        self._n_days = settings.bucket_days * n_buckets
        # The items first: the transposed matrix is gone before the users' sequences are there.
        items = Sequences(matrix.transpose(), *self._buckets)
        self.seqs = {"user": Sequences(matrix, *self._buckets), "item": items}
        self.side = {name: Side(seq, settings, biases[f"{name}_bias"]).to(device) for name, seq in self.seqs.items()}
        self.sides = nn.ModuleDict(self.side)  # the same two, saved and loaded as one
        self.optimizers = {
            name: torch.optim.Adam(side.parameters(), settings.lr, weight_decay=settings.weight_decay)
            for name, side in self.side.items()
        }
        self._kept: Tensor | None = None

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Train the users' side on all ratings, then the items' side; a step takes whole sequences."""
        self._kept = None
        sums = [*self._half_epoch("user", "item"), *self._half_epoch("item", "user")]
        errors, counts = zip(*sums, strict=True)
        return torch.stack(errors).double().cpu().numpy(), np.array(counts)

    def _half_epoch(self, name: str, other: str) -> Iterator[tuple[Tensor, int]]:
        fixed = self.side[other].all_states(self.seqs[other], self.mean)
        rows = torch.randperm(self.seqs[name].n_rows).to(self.device)
        for batch in self.seqs[name].batches(rows, self.settings.batch_size):
            yield self._step(name, other, batch, fixed)

    def _step(self, name: str, other: str, rows: Tensor, fixed: Tensor) -> tuple[Tensor, int]:
        """Update one side on some of its rows, given the other's states; return squared error and count."""
        seq, side = self.seqs[name], self.side[name]
        at, entry = entries_of(seq.offsets, rows)  # (n,)
        row, opposite, bucket = rows[at], seq.others[entry].long(), seq.buckets[entry].long()
        # The batch's own states lie as all rows' do, but for where each row begins.
        lengths = counts_of(seq.step_offsets, rows) + 1
        shift = lengths.cumsum(0) - lengths - (seq.step_offsets[rows] + rows)
        mine = side.states(seq, rows, self.mean)[seq.state_at(row, bucket, advanced=False) + shift[at]]
        theirs = fixed[self.seqs[other].state_at(opposite, bucket, advanced=False)].float()
        y = self._rating(side, row, mine, self.side[other], opposite, theirs)
        error = (seq.ratings[entry] - y).square().sum()
        # Once a rating, as in PMF: a row's factors weigh against the error of its own ratings.
        penalty = side.factors[row].square().sum() + side.bias[row].square().sum()
        self.optimizers[name].zero_grad(set_to_none=True)
        ((error + self.settings.l2 * penalty) / len(entry)).backward()
        self.optimizers[name].step()
        return error.detach(), len(entry)

    def _rating(self, a: Side, row: Tensor, mine: Tensor, b: Side, opposite: Tensor, theirs: Tensor) -> Tensor:
        """Return r̂ of pairs, (n,), stars; a gradient reaches the side `a` only."""
        stationary = (a.factors[row] * b.factors.detach()[opposite]).sum(1)
        return self.mean + a.bias[row] + b.bias.detach()[opposite] + (mine * theirs).sum(1) + stationary

    @torch.no_grad()
    def predict(self, part: Part) -> np.ndarray:
        """Score pairs at their dates, from the states advanced with the training ratings up to then."""
        (users, items), (a, b) = self.seqs.values(), self.side.values()
        item_states = b.all_states(items, self.mean)
        order = np.argsort(part.user, kind="stable")
        columns = part.user, part.item, self._buckets_of(part, users.n_buckets)
        user, item, when = (torch.from_numpy(x[order]).long().to(self.device) for x in columns)
        scores = []
        # The users' states, which are most, live for as long as their pairs are scored.
        for rows, states in a.blocks(users, self.mean):
            mine = slice(*torch.searchsorted(user, torch.stack([rows[0], rows[-1] + 1])).tolist())
            first = users.step_offsets[rows[0]] + rows[0]
            for u, i, t in zip(*(x[mine].split(BLOCK_RATINGS) for x in (user, item, when)), strict=True):
                p = states[users.state_at(u, t, advanced=True) - first]
                q = item_states[items.state_at(i, t, advanced=True)].float()
                scores.append(self._rating(a, u, p, b, i, q).cpu())
        prediction = np.empty(len(part), np.float32)
        prediction[order] = torch.cat(scores).numpy()
        return clip(prediction, self.limits)

    @torch.no_grad()
    def scores(self, users: Tensor) -> Tensor:
        """Score all items for some users, given on the CPU, after the last training date: (n, n_items), stars."""
        side, users = self.side["user"], users.to(self.device)
        return self._all_items(side.bias[users], self._last(self.seqs["user"], side, users), side.factors[users])

    @torch.no_grad()
    def fold_in(self, ratings: RatingMatrix) -> Tensor:
        """Score all items for new users, a row of dated ratings each, after the last training date: (n, n_items).

        The network that reads a user is the same for all, and reads the new one's ratings. His bias and stationary
        factors minimise what training does, Σ (r - r̂)² + λ n (‖p‖² + b²), with the rest as it is.
        """
        dates = dates_of(ratings).clamp(self.first_date, self.first_date + self._n_days - 1)
        seq = Sequences(replace(ratings, dates=dates).to(self.device), *self._buckets)
        a, b = self.side["user"], self.side["item"]
        states, items = a.states(seq, torch.arange(seq.n_rows, device=self.device), self.mean), self._item_states
        row, entry = entries_of(seq.offsets, torch.arange(seq.n_rows, device=self.device))
        item, bucket = seq.others[entry].long(), seq.buckets[entry].long()
        mine = states[seq.state_at(row, bucket, advanced=False)]
        theirs = items[self.seqs["item"].state_at(item, bucket, advanced=False)].float()
        left = seq.ratings[entry] - self.mean - b.bias[item] - (mine * theirs).sum(1)
        known = RatingMatrix(seq.offsets, seq.others, left, seq.n_others)
        # The bias is the factor of a column of ones.
        columns = torch.cat([b.factors, b.factors.new_ones(len(b.factors), 1)], 1)
        solved, _ = solve_rows(known, left, columns, self.settings.l2, row_groups(known))
        last = states[seq.step_offsets[1:] + torch.arange(seq.n_rows, device=self.device)]
        return self._all_items(solved[:, -1], last, solved[:, :-1])

    def _all_items(self, bias: Tensor, state: Tensor, factors: Tensor) -> Tensor:
        side, seq = self.side["item"], self.seqs["item"]
        last = self._item_states[seq.step_offsets[1:] + torch.arange(seq.n_rows, device=self.device)].float()
        return self.mean + bias[:, None] + side.bias + state @ last.T + factors @ side.factors.T

    def _last(self, seq: Sequences, side: Side, rows: Tensor) -> Tensor:
        """Return the states of some rows after all their steps, (n, dynamic_rank)."""
        lengths = counts_of(seq.step_offsets, rows) + 1
        return side.states(seq, rows, self.mean)[lengths.cumsum(0) - 1]

    @property
    def _item_states(self) -> Tensor:
        """The items' states after each step, computed once for the weights that are loaded."""
        if self._kept is None:
            self._kept = self.side["item"].all_states(self.seqs["item"], self.mean)
        return self._kept

    def _buckets_of(self, part: Part, n_buckets: int) -> np.ndarray:
        """Return each rating's bucket, (n,); -1 before the first, the last one after it."""
        if part.date is None:
            raise InputError("model 'rrn': the ratings to predict have no dates; expected a date a rating")
        bucket: np.ndarray = (part.date - self.first_date) // self.settings.bucket_days
        return bucket.clip(-1, n_buckets - 1)

    def lr(self, epoch: int) -> float:
        """Return the learning rate, the same in every epoch."""
        return self.settings.lr

    def weights(self) -> dict[str, Any]:
        """Return both sides' parameters."""
        return self.sides.state_dict()

    def state(self) -> dict[str, Any]:
        """Return both sides' momenta."""
        return {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}

    def load(self, weights: dict[str, Any], state: dict[str, Any] | None = None) -> None:
        """Take over parameters, and momenta to train on from."""
        self._kept = None
        self.sides.load_state_dict(weights)
        for name, momenta in (state or {}).items():
            self.optimizers[name].load_state_dict(momenta)
