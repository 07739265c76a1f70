"""From scores to the best items, and how good they are: NDCG and recall."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeprec.data.matrix import Part, RatingMatrix, entries_of, rating_matrix
from deeprec.models.learners import Scorer

TOP = 10  # items that count
RANKED_USERS = 10_000  # at most: a mean over them is exact to some thousandths
RANK_BATCH = 256  # users; bounds memory, not results


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


def ranking_scores(
    scorer: Scorer, train: RatingMatrix, valid: Part, test: Part, relevant: float | None
) -> dict[str, Any]:
    """Return NDCG@10 and Recall@10 on test, means over users with a relevant rating there; nothing without `relevant`.

    Relevant are items that a user rates at `relevant` stars or more; all items are ranked but those that he rated in
    train or valid. Of more than RANKED_USERS users, as many count, evenly spaced.
    """
    if relevant is None:
        return {}
    shape = train.n_rows, train.n_columns
    liked = test.rating >= relevant
    users = torch.from_numpy(np.unique(test.user[liked])).long()
    users = users[:: -(-len(users) // RANKED_USERS)] if len(users) else users
    wanted = _matrix(test.user[liked], test.item[liked], *shape)
    known = train, _matrix(valid.user, valid.item, *shape)
    sums = torch.zeros(2, dtype=torch.float64)
    for batch in users.split(RANK_BATCH):
        rows, columns = (torch.cat(x) for x in zip(*(entries_at(matrix, batch) for matrix in known), strict=True))
        _, top = top_items(scorer.scores(batch).detach().cpu(), TOP, (rows, columns))
        is_wanted = torch.zeros(len(batch), shape[1], dtype=torch.bool)
        is_wanted[entries_at(wanted, batch)] = True
        sums += torch.stack(ndcg_and_recall(top, is_wanted)).sum(1)
    ndcg, recall = (sums / len(users)).tolist() if len(users) else (None, None)
    return {"ndcg_10": ndcg, "recall_10": recall, "relevant": relevant, "n_ranked_users": len(users)}


def ndcg_and_recall(top: Tensor, relevant: Tensor) -> tuple[Tensor, Tensor]:
    """Return NDCG and recall of each user's best items, (n_users,) float64, from their indices (n_users, n).

    The best stand first; `relevant` (n_users, n_items) says which are relevant, at least one a user. With gains of 1,
    DCG = Σ 1 / log2(place + 1) over the relevant places, and the best possible one is NDCG's unit (Järvelin &
    Kekäläinen, TOIS 2002).
    """
    hit = relevant.gather(1, top).double()
    gain = 1 / torch.arange(2, top.shape[1] + 2, dtype=torch.float64).log2()  # (n,) by place
    n_relevant = relevant.sum(1)
    best = gain.cumsum(0)[n_relevant.clamp(max=len(gain)) - 1]
    return (hit * gain).sum(1) / best, hit.sum(1) / n_relevant


def _matrix(user: np.ndarray, item: np.ndarray, n_users: int, n_items: int) -> RatingMatrix:
    """Return the pattern of a part's ratings."""
    return rating_matrix(user, item, np.ones(len(user), np.int8), n_users, n_items)
