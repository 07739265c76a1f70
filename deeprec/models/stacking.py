"""The weights of a blend about plain biases b: the same for every pair, or by what is known of its user and item.

With the same, r̂ = b + Σ w_k (p_k - b). By features f_j of a pair, r̂ = b + Σ f_j (c_j + Σ v_jk (p_k - b)): weights that
follow the features, and a correction of the biases (feature-weighted linear stacking; Sill, Takács, Mackey & Lin 2009).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

BLOCK_PAIRS = 1 << 17  # whose products with features lie there at a time, some 100 MB
TAIL = 0.01  # of pairs on either side, whose features are moved to where the others end


def fit_weights(base: np.ndarray, members: np.ndarray, rating: np.ndarray) -> np.ndarray:
    """Return w ≥ 0, (n_members,), with the least Σ (r - b - Σ w_k (p_k - b))² over known ratings.

    `base` and `rating` are (n,), `members` is (n_members, n), stars.
    """
    weights: np.ndarray = nnls((members - base).T.astype(np.float64), (rating - base).astype(np.float64))[0]
    return weights


def known_of(base: Tensor, n_user: Tensor, n_item: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is known of pairs: log(1 + training ratings) of the user and of the item, and the biases b, stars.

    The three broadcast: (n, 1), (n_items,) and (n, n_items) of some users and all items.
    """
    return torch.log1p(n_user.to(base.dtype)), torch.log1p(n_item.to(base.dtype)), base


def are_rated(known: Sequence[Tensor]) -> Tensor:
    """Return which pairs have a user and an item with training ratings, of what is known of them."""
    users, items, _ = known
    return (users > 0) & (items > 0)


def fit_scale(known: Sequence[Tensor]) -> Tensor:
    """Return the scale of features, (3, 4): of each of `known`, (n,), the ends of its range, its mean and deviation."""
    rows = []
    for values in known:
        low, high = np.quantile(values.numpy(), [TAIL, 1 - TAIL]).tolist()
        within = values.clamp(low, high)
        deviation = within.std(correction=0).item()
        rows.append([low, high, within.mean().item(), deviation if deviation > 1e-6 else 1.0])  # all alike: 0
    return torch.tensor(rows, dtype=torch.float64)


def features(known: Sequence[Tensor], scale: Tensor) -> Iterator[Tensor]:
    """Yield the features of pairs: 1, what is known in units of its deviation, and all products of two of these."""
    rows = zip(known, scale.tolist(), strict=True)
    units = [(values.clamp(low, high) - mean) / deviation for values, (low, high, mean, deviation) in rows]
    yield torch.ones_like(units[-1])
    yield from units
    yield from (one * other for one, other in combinations_with_replacement(units, 2))


def fit_by_features(
    known: Sequence[Tensor], scale: Tensor, moves: Tensor, error: Tensor, weights: Tensor, prior: float
) -> Tensor:
    """Return c and v, (n_features, 1 + n_members), drawn towards weights w (n_members,) that are the same everywhere.

    `moves` is (n_members, n), p_k - b of known ratings, and `error` (n,) is r - b, stars. It minimises the squared
    error plus `prior` × Σ (v - w)² mean((f (p - b))²), as if `prior` more ratings were as w predicts them.
    """
    start = torch.zeros(1 + len(known) * (len(known) + 3) // 2, 1 + len(moves), dtype=error.dtype)
    start[0, 1:] = weights
    left = error - weights @ moves
    squares, products = start.new_zeros(start.numel(), start.numel()), start.new_zeros(start.numel())
    for block in torch.arange(len(error)).split(BLOCK_PAIRS):
        columns = torch.cat([torch.ones_like(moves[:1, block]), moves[:, block]])
        x = torch.cat([feature * columns for feature in features([values[block] for values in known], scale)])
        squares += x @ x.T
        products += x @ left[block]
    penalty = (prior * squares.diagonal() / len(error)).clamp(min=1e-9)
    moved: Tensor = start + torch.linalg.solve(squares + penalty.diag(), products).view_as(start)
    return moved


def blended(base: Tensor, members: Sequence[Tensor], kept: dict[str, Any], known: Sequence[Tensor]) -> Tensor:
    """Return r̂ of pairs, shaped as `base` and each of `members`, by the weights that a checkpoint holds.

    These are `shares` (n_members,), or in its place `by_features` (n_features, 1 + n_members) with their `scale`. A
    pair whose user or item has no training rating gets the base alone.
    """
    found, moves = base, [member - base for member in members]
    if "by_features" in kept:
        for feature, (own, *weights) in zip(features(known, kept["scale"]), kept["by_features"].tolist(), strict=True):
            found = found + feature * sum((w * move for w, move in zip(weights, moves, strict=True)), own)
    else:
        for w, move in zip(kept["shares"].tolist(), moves, strict=True):
            found = found + w * move
    return torch.where(are_rated(known), found, base)


def mean_weights(kept: dict[str, Any], known: Sequence[Tensor]) -> list[float]:
    """Return each member's weight, the mean over pairs."""
    if "by_features" not in kept:
        return list(kept["shares"].tolist())
    means = torch.stack([feature.mean() for feature in features(known, kept["scale"])])
    return list((means @ kept["by_features"][:, 1:]).tolist())
