"""The ratings table, the one form in which every source arrives: a row a rating."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deeprec.files import InputError, replacing

ROW_GROUP = 1 << 20  # ratings; a reader that wants a few users skips the rest


def ratings_table(
    user_id: np.ndarray,
    item_id: np.ndarray,
    rating: np.ndarray,
    date: pa.Array | np.ndarray,
    timestamp: np.ndarray | None = None,
    *,
    origin: str,
) -> pa.Table:
    """Return the checked table, ordered by user and item.

    Columns: `user_id` int32, `item_id` int32, `rating` (int8 for whole stars, else float32; stars), `date`
    date32 and, where the source knows the time of the day, `timestamp` (UTC, seconds), without which a
    user's ratings of one day have no order.

    Raises InputError naming `origin` for a rating that is 0 or not finite, and for a duplicate (user, item).
    """
    rating = np.asarray(rating)
    if rating.size == 0:
        raise InputError(f"{origin}: no ratings found")
    # 0 means "not rated" in the loss (slide 7), so that a rating of 0 would vanish without a word.
    bad = ~np.isfinite(rating) | (rating == 0)
    if bad.any():
        where = int(bad.argmax())
        raise InputError(
            f"{origin}: rating {rating[where]} of user {user_id[where]} for item {item_id[where]}; "
            "expected a finite number other than 0 (0 means 'not rated')"
        )
    order = np.lexsort((item_id, user_id))
    user_id, item_id, rating = user_id[order], item_id[order], rating[order]
    repeated = (np.diff(user_id) == 0) & (np.diff(item_id) == 0)
    if repeated.any():
        where = int(repeated.argmax())
        raise InputError(
            f"{origin}: user {user_id[where]} rates item {item_id[where]} more than once; "
            f"expected one rating a user and item ({int(repeated.sum())} repeated)"
        )
    columns = {
        "user_id": pa.array(user_id, pa.int32()),
        "item_id": pa.array(item_id, pa.int32()),
        "rating": pa.array(*_stars(rating)),
        "date": pa.array(date, pa.date32()).take(pa.array(order)),
    }
    if timestamp is not None:
        columns["timestamp"] = pa.array(timestamp[order], pa.int64()).cast(pa.timestamp("s", "UTC"))
    return pa.table(columns)


def _stars(rating: np.ndarray) -> tuple[np.ndarray, pa.DataType]:
    whole = rating.astype(np.int8, copy=False)
    if np.array_equal(whole, rating):
        return whole, pa.int8()
    return rating.astype(np.float32), pa.float32()


def write_table(table: pa.Table, path: str | Path) -> None:
    """Write a Parquet file, whole or not at all: delta-packed integers, zstd, row groups of 2^20 rows."""
    packed = {
        field.name: "DELTA_BINARY_PACKED"
        for field in table.schema
        if pa.types.is_integer(field.type) and field.type.bit_width >= 32
    }
    with replacing(path) as beside:
        pq.write_table(
            table,
            beside,
            compression="zstd",
            row_group_size=ROW_GROUP,
            use_dictionary=[name for name in table.column_names if name not in packed],
            column_encoding=packed or None,
        )


def date_range(table: pa.Table) -> tuple[str | None, str | None]:
    """Return the first and the last date as ISO text, None for an empty table."""
    ends = pc.min_max(table["date"])
    return tuple(None if end is None else end.isoformat() for end in (ends["min"].as_py(), ends["max"].as_py()))
