"""Time splits: which ratings are known (train) and which are to be predicted (valid, test)."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deeprec.data.ratings import Chunk, TableWriter, left_out, user_chunks, write_table
from deeprec.runtime.files import InputError, reading, replacing
from deeprec.settings.splits import DateSplit, TimeSplit

PARTS = ("train", "valid", "test")
EPOCH = date(1970, 1, 1)
T = TypeVar("T", int, float)


class Intervals(NamedTuple):
    """Masks of ratings, (n,): in the train interval, in the test interval, and where only chance decided which."""

    train: np.ndarray
    test: np.ndarray
    tied: np.ndarray


def intervals(chunk: Chunk, split: TimeSplit, rng: np.random.Generator) -> Intervals:
    """Tell the intervals of a chunk of whole users; `rng` breaks the ties of a split per user (`tie_breaker`)."""
    if isinstance(split, DateSplit):
        days = chunk["date"]
        return Intervals(_within(days, split.train), _within(days, split.test), np.zeros(len(days), bool))
    return _first_and_last(chunk, split.test_fraction, rng)


def tie_breaker(split: TimeSplit) -> np.random.Generator:
    """Return what breaks ties, by the split's seed; its numbers are not those that part validation and test."""
    return np.random.default_rng([_seed(split), 1])


def _seed(split: TimeSplit) -> int:
    assert split.seed is not None, "split_ratings has checked it"
    return split.seed


def _within(days: np.ndarray, interval: list[date]) -> np.ndarray:
    first, last = ((end - EPOCH).days for end in interval)
    return (days >= first) & (days <= last)


def _first_and_last(chunk: Chunk, test_fraction: float, rng: np.random.Generator) -> Intervals:
    time, users = chunk.get("timestamp", chunk["date"]), chunk["user_id"]
    # Ratings of one time have no order. That of their items' ids would test the same items of every user.
    order = np.lexsort((rng.random(len(users)), time, users))
    _, start, counts = np.unique(users[order], return_index=True, return_counts=True)
    rank = np.arange(len(users)) - np.repeat(start, counts)
    # The epsilon keeps floor() from losing a rating to binary fractions: 0.7 * 10 is 6.999….
    n_train = np.floor((1 - test_fraction) * counts + 1e-9).astype(np.int64)
    in_train = rank < np.repeat(n_train, counts)
    last, first = (time[order][np.clip(start + n_train - i, start, start + counts - 1)] for i in (1, 0))
    parted = (n_train > 0) & (n_train < counts) & (last == first)  # users whose boundary lies within one time
    tied = np.repeat(parted, counts) & (time[order] == np.repeat(first, counts))
    masks = np.empty((2, len(users)), bool)
    masks[:, order] = in_train, tied
    return Intervals(masks[0], ~masks[0], masks[1])


def split_ratings(ratings: Path, out: Path, split: TimeSplit) -> dict[str, Any]:
    """Split ratings.parquet into the parts and id maps of the folder `out`; return their counts.

    Users and items that do not occur in train leave the test interval, and are counted (`n_unseen` ratings of
    `n_unseen_users` and `n_unseen_items`); each rating that remains goes to valid or test with probability 1/2, by
    the split's seed (the original does not seed it). `n_tied` counts the ratings that only a tie sent to train or to
    the test interval: of users some of whose ratings of one time train and some do not. What the data set's definition
    had left out before stands beside these counts (`left_out`). The ratings are read twice, a million at a time, so
    that memory does not grow with them. Raises InputError where the split has no seed or a part comes out empty;
    nothing is written then.
    """
    if split.seed is None:
        raise InputError(f"split {out.name!r}: no seed; expected one for the sampling of validation and test")
    users, items = _train_ids(ratings, split)
    rng, ties, counts = np.random.default_rng(split.seed), tie_breaker(split), {}
    unseen, n_tied = Unseen(np.zeros(users.size, bool), np.zeros(items.size, bool)), 0
    for name in PARTS:
        counts[name] = Count.of_nothing(len(users.known), len(items.known))
    with ExitStack() as stack:
        writers = {name: TableWriter(stack.enter_context(replacing(out / f"{name}.parquet"))) for name in PARTS}
        for chunk in user_chunks(ratings):
            found = intervals(chunk, split, ties)
            n_tied += int(found.tied.sum())
            for name, part in _divide(chunk, found, users, items, rng, unseen).items():
                counts[name].add(part)
                writers[name].write(part)
        for name, writer in writers.items():
            if not counts[name].n_ratings:
                where = f"split {out.name!r} ({_words(split)})"
                raise InputError(f"{ratings}: no rating {_missing(name, unseen)} of {where}; {_dates(ratings)}")
            writer.close()
        write_table(users.table("user"), out / "users.parquet")
        write_table(items.table("item"), out / "items.parquet")
    counts["interval"] = counts["valid"] | counts["test"]  # what the paper's Table 1 calls "test"
    whole = {**unseen.stats(), "n_tied": n_tied, **left_out(ratings)}
    return {**{name: count.stats() for name, count in counts.items()}, **whole}


def _words(split: TimeSplit) -> str:
    if isinstance(split, DateSplit):
        return f"train {' to '.join(map(str, split.train))}, test {' to '.join(map(str, split.test))}"
    return f"the last {split.test_fraction:g} of each user's ratings to be predicted"


def _missing(part: str, unseen: "Unseen") -> str:
    if part == "train" or not unseen.n_ratings:
        return f"falls into {part}"
    return f"is left for {part} without the {unseen.n_ratings:,} whose user or item has none in train"


@dataclass(frozen=True)
class IdMap:
    """Which ids train knows, ascending, and the dense index of each."""

    known: np.ndarray  # int32
    _number: np.ndarray  # int32 by id, from 1; 0 where not known, which costs no memory where no id is near

    @classmethod
    def of(cls, seen: np.ndarray) -> "IdMap":
        """Number the ids that a mask by id marks."""
        known = np.flatnonzero(seen).astype(np.int32)
        number = np.zeros(len(seen), np.int32)
        number[known] = np.arange(1, len(known) + 1, dtype=np.int32)
        return cls(known, number)

    @property
    def size(self) -> int:
        """One more than the largest id of all."""
        return len(self._number)

    def index(self, ids: np.ndarray) -> np.ndarray:
        """Return the dense index of each id, -1 where it is not known."""
        index: np.ndarray = self._number[ids] - 1
        return index

    def table(self, name: str) -> pa.Table:
        """Return the map as columns `user` and `user_id`, say."""
        return pa.table({name: np.arange(len(self.known), dtype=np.int32), f"{name}_id": self.known})


def _train_ids(ratings: Path, split: TimeSplit) -> tuple[IdMap, IdMap]:
    seen = {name: np.zeros(_largest(ratings, name) + 1, bool) for name in ("user_id", "item_id")}
    ties = tie_breaker(split)
    for chunk in user_chunks(ratings, without=("rating",)):
        in_train = intervals(chunk, split, ties).train
        for name, ids in seen.items():
            ids[chunk[name][in_train]] = True
    return IdMap.of(seen["user_id"]), IdMap.of(seen["item_id"])


def _largest(path: Path, column: str) -> int:
    """Return a column's largest value, by the file's statistics."""
    with reading(path, "a table of ratings: user_id, item_id, rating, date"):
        metadata = pq.read_metadata(path)
        at = metadata.schema.names.index(column)
        groups = range(metadata.num_row_groups)
        largest: int = max(metadata.row_group(group).column(at).statistics.max for group in groups)
        return largest


def _divide(
    chunk: Chunk, found: Intervals, users: IdMap, items: IdMap, rng: np.random.Generator, unseen: "Unseen"
) -> dict[str, Chunk]:
    """Return the parts of a chunk, with dense indices; the ratings that leave it are counted in `unseen`."""
    train = _dense(chunk, found.train, users, items)
    interval = _dense(chunk, found.test, users, items)
    unseen.add(_rows(chunk, found.test), interval)
    scored = (interval["user"] >= 0) & (interval["item"] >= 0)
    to_valid = scored.copy()
    to_valid[scored] = rng.random(int(scored.sum())) < 0.5
    return {"train": train, "valid": _rows(interval, to_valid), "test": _rows(interval, scored & ~to_valid)}


def _dense(chunk: Chunk, rows: np.ndarray, users: IdMap, items: IdMap) -> Chunk:
    return {
        "user": users.index(chunk["user_id"][rows]),
        "item": items.index(chunk["item_id"][rows]),
        "rating": chunk["rating"][rows],
        "date": chunk["date"][rows],
    }


def _rows(chunk: Chunk, rows: np.ndarray) -> Chunk:
    return {name: column[rows] for name, column in chunk.items()}


@dataclass
class Unseen:
    """Ratings of the test interval whose user or item does not occur in train, and who that is."""

    users: np.ndarray  # bool by id
    items: np.ndarray  # bool by id
    n_ratings: int = 0

    def add(self, raw: Chunk, dense: Chunk) -> None:
        """Count those of a chunk, which is given with ids and with dense indices, -1 where unseen."""
        user, item = dense["user"] < 0, dense["item"] < 0
        self.users[raw["user_id"][user]] = True
        self.items[raw["item_id"][item]] = True
        self.n_ratings += int((user | item).sum())

    def stats(self) -> dict[str, int]:
        """Return the counts."""
        n_users, n_items = int(self.users.sum()), int(self.items.sum())
        return {"n_unseen": self.n_ratings, "n_unseen_users": n_users, "n_unseen_items": n_items}


@dataclass
class Count:
    """What is counted of a part, as in the paper's Table 1."""

    users: np.ndarray  # bool by user: occurs
    items: np.ndarray  # bool by item
    n_ratings: int
    first: int | None  # day since 1970-01-01
    last: int | None
    lowest: float | None = None  # rating, stars
    highest: float | None = None

    @classmethod
    def of_nothing(cls, n_users: int, n_items: int) -> "Count":
        """Begin to count."""
        return cls(np.zeros(n_users, bool), np.zeros(n_items, bool), 0, None, None)

    def add(self, part: Chunk) -> None:
        """Count more ratings in."""
        if part["date"].size:
            self.users[part["user"]] = True
            self.items[part["item"]] = True
            self.n_ratings += len(part["date"])
            self.first = _least(self.first, int(part["date"].min()))
            self.last = _most(self.last, int(part["date"].max()))
            self.lowest = _least(self.lowest, float(part["rating"].min()))
            self.highest = _most(self.highest, float(part["rating"].max()))

    def __or__(self, other: "Count") -> "Count":
        return Count(
            self.users | other.users,
            self.items | other.items,
            self.n_ratings + other.n_ratings,
            _least(self.first, other.first),
            _most(self.last, other.last),
            _least(self.lowest, other.lowest),
            _most(self.highest, other.highest),
        )

    def stats(self) -> dict[str, Any]:
        """Return the counts, the first and last date as ISO text, and the range of the ratings."""
        return {
            "n_ratings": self.n_ratings,
            "n_users": int(self.users.sum()),
            "n_items": int(self.items.sum()),
            "first_date": str(np.datetime64(self.first, "D")),
            "last_date": str(np.datetime64(self.last, "D")),
            "min_rating": self.lowest,
            "max_rating": self.highest,
        }


def _least(*values: T | None) -> T | None:
    return min((value for value in values if value is not None), default=None)


def _most(*values: T | None) -> T | None:
    return max((value for value in values if value is not None), default=None)


def _dates(ratings: Path) -> str:
    days = [chunk["date"] for chunk in user_chunks(ratings)]
    first, last = min(day.min() for day in days), max(day.max() for day in days)
    return f"the data run from {np.datetime64(int(first), 'D')} to {np.datetime64(int(last), 'D')}"
