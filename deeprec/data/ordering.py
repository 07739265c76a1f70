"""Ratings in order of user, then item: 100 million of them in seconds."""

import numpy as np

KEY_BITS = 64


def by_user(user_id: np.ndarray, item_id: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | slice]:
    """Return users and items (int32, not negative) ordered by user, then item, and the order itself.

    The order is an index array, or a slice of all where nothing has to move.
    """
    n = len(user_id)
    if (user_id[1:] >= user_id[:-1]).all() and ((np.diff(user_id) > 0) | (np.diff(item_id) >= 0)).all():
        return user_id, item_id, slice(None)
    item_bits, position_bits = int(item_id.max()).bit_length(), n.bit_length()
    if int(user_id.max()).bit_length() + item_bits + position_bits > KEY_BITS:
        order = np.lexsort((item_id, user_id))
        return user_id[order], item_id[order], order
    return _sort_keys(user_id, item_id, item_bits, position_bits)


def _sort_keys(
    user_id: np.ndarray, item_id: np.ndarray, item_bits: int, position_bits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order by one integer that holds user, item and position: NumPy sorts such keys with vector instructions.

    Netflix's 22, 15 and 27 bits just fit. An indirect sort of the pairs takes five times longer, and so does
    counting, which is at the mercy of the cache.
    """
    key = user_id.astype(np.uint64)
    key <<= np.uint64(item_bits)
    key |= item_id.view(np.uint32)
    key <<= np.uint64(position_bits)
    key |= np.arange(len(key), dtype=np.uint32)
    key.sort()
    order = _low_bits(key, position_bits)
    key >>= np.uint64(position_bits)
    items = _low_bits(key, item_bits)
    key >>= np.uint64(item_bits)
    return key.astype(np.int32), items, order


def _low_bits(key: np.ndarray, bits: int) -> np.ndarray:
    """Return the lowest bits as int32, without a second uint64 array on the way."""
    low = np.empty(len(key), np.int32)
    np.bitwise_and(key, np.uint64((1 << bits) - 1), out=low, casting="unsafe")
    return low
