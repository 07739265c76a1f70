"""Questions as tables: predictions of pairs, the best items of known users, and of new ones by their ratings."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from deeprec.runtime.files import InputError
from deeprec.serving.recommender import Recommender

KINDS = "user_id and item_id (predictions), user_id (the best items) or ratings (a new user's best items)"
MOST = 10_000  # rows at once


def answer(model: Recommender, asked: pd.DataFrame, top: int = 10, hide_seen: bool = True) -> pd.DataFrame:
    """Answer a table of questions, all of one kind; see KINDS. A new user's answers carry his row from 0 as `row`.

    Raises InputError that names the column, the row or the id which does not fit.
    """
    asked = asked.dropna(axis="columns", how="all") if len(asked) else asked  # optional columns that nobody gave
    if not 0 < len(asked) <= MOST:
        raise InputError(f"questions: found {len(asked):,} rows; expected 1 to {MOST:,}")
    columns = set(asked.columns)
    if columns == {"user_id", "item_id"}:
        return model.predict(_column(asked, "user_id"), _column(asked, "item_id"))
    if columns == {"user_id"}:
        return model.recommend(_column(asked, "user_id"), top, hide_seen=hide_seen)
    if columns == {"ratings"}:
        tables = [
            model.add_user(_ratings(row, at), origin=f"ratings of row {at}").recommend(top, hide_seen=hide_seen)
            for at, row in enumerate(asked["ratings"])
        ]
        return pd.concat([table.assign(row=at) for at, table in enumerate(tables)], ignore_index=True)
    raise InputError(f"questions: found the columns {', '.join(map(str, asked.columns)) or 'none'}; expected {KINDS}")


def _column(asked: pd.DataFrame, name: str) -> pd.Index:
    if (missing := asked[name].isna()).any():
        raise InputError(f"row {int(missing.to_numpy().argmax())}: no {name}; expected one in every row")
    ids: pd.Index = pd.Index(asked[name].tolist())
    return ids


def _ratings(row: Any, at: int) -> pd.DataFrame:
    """Return a new user's ratings, a list of mappings or a mapping of lists, as a table."""
    rows = list(row) if hasattr(row, "__iter__") and not isinstance(row, str | bytes | Mapping) else None
    if not rows or not all(isinstance(rating, Mapping) for rating in rows):
        raise InputError(
            f"ratings of row {at}: found {str(row)[:60]!r}; "
            'expected a list such as [{"item_id": 50, "rating": 5}, {"item_id": 181, "rating": 4}]'
        )
    return pd.DataFrame([dict(rating) for rating in rows])
