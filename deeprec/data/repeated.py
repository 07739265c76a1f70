"""Repeated ratings: of one user for one item, of which a table has at most one."""

from typing import Literal

import numpy as np

Settle = Literal["last", "first", "mean"]


def settle(
    user_id: np.ndarray, item_id: np.ndarray, rating: np.ndarray, time: np.ndarray, how: Settle
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to keep, one a user and item, in their order, and their ratings, (n_kept,).

    `last` and `first` go by time, and by the order of the rows where that is the same; `mean` keeps the last row, with
    the mean of all.
    """
    order = np.lexsort((time, item_id, user_id))  # stable, so that rows of one time stay in their order
    user, item = user_id[order], item_id[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    start = np.flatnonzero(begins)
    counts = np.diff(np.append(start, len(order)))
    kept = order[start if how == "first" else start + counts - 1]
    stars = rating[kept]
    if how == "mean":
        stars = (np.add.reduceat(rating[order].astype(np.float64), start) / counts).astype(np.float32)
    back = np.argsort(kept)
    return kept[back], stars[back]
