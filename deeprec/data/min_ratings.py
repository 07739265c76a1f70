"""The k-core of ratings: nobody and nothing with fewer ratings than asked for."""

import numpy as np
import pyarrow as pa

from deeprec.runtime.files import InputError
from deeprec.settings.sources import MinRatings


def k_core(ratings: pa.Table, least: MinRatings, *, origin: str) -> tuple[pa.Table, dict[str, int]]:
    """Return the largest part of a ratings table in which each user and item has `least` ratings, and what left it.

    Who falls short is left out, which may make others fall short: again until nobody does. Raises InputError naming
    `origin` where nothing is left.
    """
    user, item = (_codes(ratings[name]) for name in ("user_id", "item_id"))
    rows = np.arange(len(user))
    while True:
        n_user, n_item = np.bincount(user[rows]), np.bincount(item[rows])
        kept = (n_user[user[rows]] >= least.user) & (n_item[item[rows]] >= least.item)
        if kept.all():
            break
        rows = rows[kept]
    if not len(rows):
        asked = f"{{user: {least.user}, item: {least.item}}}"
        raise InputError(f"{origin}: no rating is left by min_ratings {asked}; expected smaller numbers")
    n_users, n_items = (len(np.unique(codes)) - len(np.unique(codes[rows])) for codes in (user, item))
    left_out = {"n_rare": len(user) - len(rows), "n_rare_users": n_users, "n_rare_items": n_items}
    return ratings.take(pa.array(rows)), left_out


def _codes(ids: pa.ChunkedArray) -> np.ndarray:
    """Return the ids' numbers from 0, dense, so that they can be counted whatever the ids are."""
    codes: np.ndarray = ids.combine_chunks().dictionary_encode().indices.to_numpy()
    return codes
