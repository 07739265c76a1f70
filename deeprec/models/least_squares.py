"""Factors of many rows at once, given those of the columns: a regularised least squares a row."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from deeprec.data.matrix import RatingMatrix, counts_of

GROUP_RATINGS = 1 << 15  # ratings, padding included, whose factors are gathered at a time; bounds memory, not results


def solve_rows(
    matrix: RatingMatrix, rating: Tensor, others: Tensor, l2: float, groups: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Solve (Qᵤᵀ Qᵤ + λ n_u I) p_u = Qᵤᵀ r_u for every row of a matrix, given the columns' factors Q (n_columns, rank).

    The ratings (n_ratings,), of the matrix's pattern, may be the matrix's or what is left of them. Returns the
    rows' factors, (n_rows, rank), and the squared error that is left, (): for p so solved and b = Qᵀ r, it is
    Σ r² - bᵀp - λ n ‖p‖².
    """
    rank, device = others.shape[1], others.device
    error = torch.zeros((), dtype=torch.float64, device=device)
    # A last row of zeros is what the padding points to: it adds nothing to any sum.
    others = torch.cat([others, others.new_zeros(1, rank)])
    identity, solved = torch.eye(rank, device=device), torch.empty(matrix.n_rows, rank, device=device)
    for rows in groups:
        entry, padding, count = _padded_entries(matrix, rows)
        item = matrix.columns.take(entry).int().masked_fill_(padding, matrix.n_columns)
        r = rating.take(entry).float().masked_fill_(padding, 0)  # (rows, longest)
        q = F.embedding(item, others)  # (rows, longest, rank)
        b = (r[:, None] @ q)[:, 0]  # (rows, rank)
        ridge = l2 * count.clamp(min=1)[:, None]  # (rows, 1)
        a = (q.mT @ q).add_(ridge[..., None] * identity)  # (rows, rank, rank)
        p = torch.cholesky_solve(b[..., None], torch.linalg.cholesky(a))[..., 0]  # (rows, rank)
        error += r.square().sum(dtype=torch.float64) - (p * (b + ridge * p)).sum(dtype=torch.float64)
        solved[rows] = p
    return solved, error


def row_groups(matrix: RatingMatrix) -> list[Tensor]:
    """Return a matrix's rows in groups, to be solved a group at a time."""
    return list(_groups(matrix))


def _groups(matrix: RatingMatrix) -> Iterator[Tensor]:
    """Yield rows of about the same number of ratings together, as many as GROUP_RATINGS allows, at least one."""
    counts, rows = matrix.offsets.diff().sort(descending=True, stable=True)
    longest, start = counts.tolist(), 0
    while start < len(rows):
        stop = start + max(1, GROUP_RATINGS // max(1, longest[start]))
        yield rows[start:stop]
        start = stop


def _padded_entries(matrix: RatingMatrix, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows' entries, (rows, longest), where among them is only padding, and how many each has, (rows,)."""
    count = counts_of(matrix.offsets, rows)
    at = torch.arange(int(count.max()), device=rows.device)
    padding = at >= count[:, None]
    return (matrix.offsets[rows][:, None] + at).masked_fill_(padding, 0), padding, count
