"""Ratings in order of user, then item: 100 million of them in seconds."""

import numpy as np
from scipy.sparse import csc_array

SPARSE = 4  # ids that are this many times more than the ratings are sorted by comparing, not by counting


def by_user(user_id: np.ndarray, item_id: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | slice]:
    """Return users and items (int32, not negative) ordered by user, then item, and the order itself.

    The order is an index array, int32 where that serves, or a slice of all where nothing has to move.
    """
    if _ascending(user_id) and ((np.diff(user_id) > 0) | (np.diff(item_id) >= 0)).all():
        return user_id, item_id, slice(None)
    if max(user_id.max(), item_id.max()) > SPARSE * len(user_id) or len(user_id) >= 1 << 31:
        order = np.lexsort((item_id, user_id))
        return user_id[order], item_id[order], order
    if not _ascending(item_id):
        by_item = np.argsort(item_id, kind="stable").astype(np.int32)
        users, items, order = by_user(user_id[by_item], item_id[by_item])
        return users, items, by_item[order]
    return _count_users(user_id, item_id)


def _count_users(user_id: np.ndarray, item_id: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order by user what is ordered by item already.

    A sparse matrix that goes from columns to rows does it by counting: in one pass, stable, in int32, where
    sorting 100 million keys takes many times longer.
    """
    starts = np.searchsorted(item_id, np.arange(item_id.max() + 2, dtype=np.int32)).astype(np.int32)
    place = np.arange(len(user_id), dtype=np.int32)
    shape = (int(user_id.max()) + 1, len(starts) - 1)
    rows = csc_array((place, user_id, starts), shape=shape).tocsr()
    users = np.repeat(np.arange(shape[0], dtype=np.int32), np.diff(rows.indptr))
    return users, rows.indices, rows.data


def _ascending(ids: np.ndarray) -> bool:
    return bool((ids[1:] >= ids[:-1]).all())
