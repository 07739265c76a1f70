"""Time splits: which ratings are known (train) and which are to be predicted (valid, test)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from deeprec.files import InputError
from deeprec.ratings import date_range


@dataclass(frozen=True)
class DateSplit:
    """Train and test intervals of dates, both ends inclusive, as in the paper's Table 1: train < test."""

    train: tuple[date, date]
    test: tuple[date, date]

    def intervals(self, ratings: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Return two masks (n_ratings): in the train interval, in the test interval."""
        dates = ratings["date"].to_numpy()
        return _within(dates, self.train), _within(dates, self.test)


@dataclass(frozen=True)
class PerUserSplit:
    """The last `test_fraction` of each user's ratings is the test interval, as the authors do for MovieLens.

    A user's ratings are ordered by time stamp where the source has one, else by date; ties by item id. The
    first `floor((1 - test_fraction) * n)` train.
    """

    test_fraction: float

    def intervals(self, ratings: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Return two masks (n_ratings): among the user's first ratings, among the last."""
        time = ratings["timestamp" if "timestamp" in ratings.column_names else "date"].to_numpy()
        users = ratings["user_id"].to_numpy()
        order = np.lexsort((ratings["item_id"].to_numpy(), time, users))
        _, start, counts = np.unique(users[order], return_index=True, return_counts=True)
        rank = np.arange(len(users)) - np.repeat(start, counts)
        # The epsilon keeps floor() from losing a rating to binary fractions: 0.7 * 10 is 6.999….
        n_train = np.floor((1 - self.test_fraction) * counts + 1e-9).astype(np.int64)
        train = np.empty(len(users), bool)
        train[order] = rank < np.repeat(n_train, counts)
        return train, ~train


def _within(dates: np.ndarray, interval: tuple[date, date]) -> np.ndarray:
    first, last = (np.datetime64(end, "D") for end in interval)
    return (dates >= first) & (dates <= last)


def parse_split(name: str, definition: dict[str, Any]) -> DateSplit | PerUserSplit:
    """Read a split's definition from the config; raise InputError where its intervals make no sense."""
    if definition["kind"] == "per_user":
        return PerUserSplit(definition["test_fraction"])
    train, test = (_interval(name, key, definition[key]) for key in ("train", "test"))
    if train[1] >= test[0]:
        raise InputError(f"split {name!r}: train ends on {train[1]}, test begins on {test[0]}; expected train < test")
    return DateSplit(train, test)


def _interval(name: str, key: str, ends: list[str]) -> tuple[date, date]:
    try:
        first, last = (date.fromisoformat(end) for end in ends)
    except ValueError as error:
        raise InputError(f"split {name!r}: {key} {ends}; expected two dates 'YYYY-MM-DD' ({error})") from error
    if first > last:
        raise InputError(f"split {name!r}: {key} begins on {first} after it ends on {last}")
    return first, last


@dataclass(frozen=True)
class Split:
    """Parts with dense indices (`user`, `item`, `rating`, `date`; by user, then item), and the id maps."""

    train: pa.Table
    valid: pa.Table
    test: pa.Table
    users: pa.Table
    items: pa.Table
    n_unseen: int

    @property
    def parts(self) -> dict[str, pa.Table]:
        """The three parts by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


def split_ratings(ratings: pa.Table, split: DateSplit | PerUserSplit, seed: int) -> Split:
    """Split a table that is ordered by user and item.

    Users and items that do not occur in train leave the test interval; each rating that remains goes to valid
    or test with probability 1/2, drawn with `seed` (the original does not seed it). Raises InputError where
    a part comes out empty.
    """
    in_train, in_test = split.intervals(ratings)
    user_ids, item_ids = ratings["user_id"].to_numpy(), ratings["item_id"].to_numpy()
    users, items = np.unique(user_ids[in_train]), np.unique(item_ids[in_train])
    user, known_user = _dense(user_ids, users)
    item, known_item = _dense(item_ids, items)
    scored = in_test & known_user & known_item
    to_valid = np.random.default_rng(seed).random(int(scored.sum())) < 0.5
    dense = pa.table({"user": user, "item": item, "rating": ratings["rating"], "date": ratings["date"]})
    rows = np.flatnonzero(scored)
    parts = [dense.take(chosen) for chosen in (np.flatnonzero(in_train), rows[to_valid], rows[~to_valid])]
    for name, part in zip(("train", "valid", "test"), parts, strict=True):
        if not part.num_rows:
            raise InputError(f"{split}: no rating falls into {name}; the data run from {' to '.join(date_range(ratings))}")
    return Split(
        *parts,
        users=pa.table({"user": np.arange(len(users), dtype=np.int32), "user_id": users}),
        items=pa.table({"item": np.arange(len(items), dtype=np.int32), "item_id": items}),
        n_unseen=int(in_test.sum() - scored.sum()),
    )


def _dense(ids: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each id's place in `known` (sorted; int32) and whether it is there at all."""
    if not known.size:
        return np.zeros(len(ids), np.int32), np.zeros(len(ids), bool)
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1).astype(np.int32)
    return place, known[place] == ids


def split_stats(split: Split) -> dict[str, Any]:
    """Count a split as the paper's Table 1 does, where "test" is valid and test together (`interval`)."""
    interval = pa.concat_tables([split.valid, split.test])
    stats = {name: _count(part) for name, part in {**split.parts, "interval": interval}.items()}
    return {**stats, "n_unseen": split.n_unseen}


def _count(part: pa.Table) -> dict[str, Any]:
    first, last = date_range(part)
    return {
        "n_ratings": part.num_rows,
        "n_users": len(part["user"].unique()),
        "n_items": len(part["item"].unique()),
        "first_date": first,
        "last_date": last,
    }
