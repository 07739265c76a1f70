"""A new user's ratings, as people write them: checked, and in the form that models take."""

from typing import Any

import numpy as np
import pandas as pd

from deeprec.data.matrix import RatingMatrix, rating_matrix
from deeprec.runtime.files import InputError
from deeprec.serving.catalogue import Ids

COLUMNS, OPTIONAL = ("item_id", "rating"), ("date",)


def matrix_of(
    ratings: pd.DataFrame, items: Ids, limits: tuple[float, float], last_day: int, origin: str
) -> RatingMatrix:
    """Return one user's ratings, a table of `item_id`, `rating` and perhaps `date`, as a matrix of one row.

    A rating without a date is one of `last_day` (since 1970-01-01). Raises InputError that names `origin`, and the item
    or column which does not fit.
    """
    check_columns(list(ratings.columns), COLUMNS, OPTIONAL, origin)
    if ratings.empty:
        raise InputError(f"{origin}: found none; expected at least one")
    ids = pd.Index(ratings["item_id"])
    item, stars = items.dense(ids), _stars(ids, ratings["rating"], limits, origin)
    if (again := pd.Series(item).duplicated()).any():
        raise InputError(f"{origin}: item {_first(ids, again)!r} is rated more than once; expected one rating an item")
    day = parse_days(pd.Index(ratings["date"] if "date" in ratings else [None] * len(item)), last_day)
    order = np.argsort(item)
    user = np.zeros(len(item), np.int32)
    return rating_matrix(user, item[order], stars[order], 1, len(items), day[order])


def check_columns(found: list[Any], needed: tuple[str, ...], optional: tuple[str, ...], origin: str) -> None:
    """Raise InputError where columns are missing, or are none of those that are known."""
    missing = [name for name in needed if name not in found]
    unknown = [str(name) for name in found if name not in (*needed, *optional)]
    if missing or unknown:
        told = f"no column {', '.join(missing)}" if missing else f"unknown column {', '.join(unknown)}"
        may = f", and perhaps {', '.join(optional)}" if optional else ""
        raise InputError(
            f"{origin}: {told}; found {', '.join(map(str, found)) or 'none'}; expected {', '.join(needed)}{may}"
        )


def _stars(ids: pd.Index, rating: pd.Series, limits: tuple[float, float], origin: str) -> np.ndarray:
    """Return ratings as float32, (n,), checked."""
    numbers = pd.to_numeric(rating, errors="coerce").astype(float)
    # What the training never saw, no model answers for: 0 even means "not rated".
    wrong = ~numbers.between(*limits) | (numbers == 0) | rating.map(lambda value: isinstance(value, bool | str))
    if wrong.any():
        low, high = limits
        raise InputError(
            f"{origin}: found {_first(rating, wrong)!r} for item {_first(ids, wrong)!r}; "
            f"expected a number from {low:g} to {high:g}, as in the training"
        )
    return numbers.to_numpy(np.float32)


def parse_days(dates: pd.Index, missing: int) -> np.ndarray:
    """Return dates as days since 1970-01-01, (n,) int32; `missing` for those that are absent (None, NaN, "").

    Raises InputError naming the first that is no date.
    """
    absent = dates.isna() | (dates == "")
    words = pd.Series(dates.where(~absent, None), dtype=object)
    plain = words.map(type).isin([int, float, bool])  # which pandas takes for nanoseconds
    parsed = pd.to_datetime(words.mask(plain), errors="coerce", utc=True, format="ISO8601")
    wrong = parsed.isna() & ~absent
    if wrong.any():
        raise InputError(f"date: found {_first(dates, wrong)!r}; expected a date such as '2005-12-31'")
    days = (parsed - pd.Timestamp(0, tz="UTC")).dt.days
    return days.fillna(missing).to_numpy().astype(np.int32)


def _first(values: pd.Index | pd.Series, wrong: pd.Series | np.ndarray) -> Any:
    """Return the first value that a mask marks, as Python's own."""
    value = np.asarray(values, dtype=object)[np.asarray(wrong)][0]
    return value.item() if isinstance(value, np.generic) else value
