"""From scores to the best items, and how good they are: NDCG and recall."""

import torch
from torch import Tensor

from deeprec.data.matrix import RatingMatrix, entries_of


def top_items(scores: Tensor, n: int, hidden: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
    """Return the best items' scores and indices, (n_users, n) each, best first, of scores (n_users, n_items).

    `hidden` are rows and columns that must not come up; their scores are overwritten with -inf, which is what
    is missing scores, too, where too few items are left.
    """
    if hidden is not None:
        scores.index_put_(hidden, scores.new_tensor(-torch.inf))
    best = scores.topk(min(n, scores.shape[1]), sorted=True)
    return best.values, best.indices


def entries_at(matrix: RatingMatrix, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return where some rows have ratings, as indices into a dense batch of them: row and column, (n,) int64."""
    row, entry = entries_of(matrix.offsets, rows)
    return row, matrix.columns[entry].long()
