"""The ids and titles that people know, for the dense indices that a model knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from deeprec.runtime.files import InputError

NAMED = 5  # unknown ids that a message names


@dataclass(frozen=True)
class Ids:
    """The ids of all users or items that a model knows, as the data set's source writes them, by dense index."""

    kind: str  # "user" or "item"
    known: pd.Index  # int64, or text where the source has names

    def __len__(self) -> int:
        return len(self.known)

    @property
    def are_names(self) -> bool:
        """Whether an id is text."""
        return not pd.api.types.is_integer_dtype(self.known.dtype)

    def find(self, ids: Sequence[Any] | pd.Index) -> np.ndarray:
        """Return ids' dense indices, (n,) int32, -1 for what the model does not know."""
        asked = pd.Index(ids)
        of_one_kind = self.are_names != pd.api.types.is_numeric_dtype(asked.dtype)
        if pd.api.types.is_bool_dtype(asked.dtype) or not of_one_kind:  # True is not 1, and neither is "1"
            return np.full(len(asked), -1, np.int32)
        return self.known.get_indexer(asked).astype(np.int32)

    def dense(self, ids: Sequence[Any] | pd.Index) -> np.ndarray:
        """Return ids' dense indices, (n,) int32; raise InputError that names those that the model does not know."""
        found = self.find(ids)
        if (unknown := found < 0).any():
            names = [repr(name) for name in pd.unique(np.array(pd.Index(ids), dtype=object)[unknown]).tolist()]
            more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
            raise InputError(f"{self.kind} {', '.join(names[:NAMED])}{more}: {self.expected}")
        return found

    @cached_property
    def as_written(self) -> "Ids":
        """The same ids as text, as a CSV file holds them."""
        return Ids(self.kind, pd.Index(self.known.astype(str), dtype=object))

    @property
    def expected(self) -> str:
        """What was expected where an id is unknown, in words."""
        first = ", ".join(map(repr, self.known[:3].tolist()))
        return f"not among the {len(self):,} {self.kind}s that the model was trained on; expected an id such as {first}"


@dataclass(frozen=True)
class Catalogue:
    """Users, items, and the items' titles."""

    users: Ids
    items: Ids
    titles: np.ndarray  # (n_items,) text, with the year where it is known; "" where no title is

    @cached_property
    def labels(self) -> list[str]:
        """A text for each item that no other has: its title, with its id where titles are alike, or the id alone."""
        ids, titles = pd.Series(self.items.as_written.known), pd.Series(self.titles)
        alike = titles.duplicated(keep=False)
        named = titles.where(~alike, titles + " · " + ids)
        labels: list[str] = named.where(titles != "", ids).tolist()
        return labels

    @classmethod
    def read(cls, dataset: Path, split: Path) -> "Catalogue":
        """Read the id maps of a split, and the titles and names that lie in its data set's folder.

        Where the source wrote names (the data set's `users.parquet` has them), those are the ids.
        """
        user_id, item_id = (
            pd.Index(pq.read_table(split / f"{kind}s.parquet")[f"{kind}_id"].to_numpy().astype(np.int64))
            for kind in ("user", "item")
        )
        items = pd.read_parquet(dataset / "items.parquet").set_index("item_id").reindex(item_id)
        names = dataset / "users.parquet"
        if names.exists():
            users = pd.read_parquet(names).set_index("user_id")["name"].reindex(user_id)
            known = Ids("user", _as_written(users)), Ids("item", _as_written(items["title"]))
        else:
            known = Ids("user", user_id), Ids("item", item_id)
        return cls(*known, _titles(items))


def _as_written(names: pd.Series) -> pd.Index:
    """Return the names that a source wrote, or the numbers in the index, where the names are these."""
    words = names.astype(str)
    return names.index if (words == names.index.astype(str)).all() else pd.Index(words.to_numpy(dtype=object))


def _titles(items: pd.DataFrame) -> np.ndarray:
    titles, years = items["title"].fillna("").astype(object), items["year"]
    dated = titles + " (" + years.astype("Int64").astype(str) + ")"
    return titles.where(years.isna() | (titles == ""), dated).to_numpy(dtype=object)
