"""Repeated ratings: the last, the first or the mean of each, by time and then by row."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprec.data import delimited
from deeprec.data.repeated import settle
from deeprec.settings.sources import CsvSource
from tests.data.table_forms import lines

RATINGS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=40
)


@settings(deadline=None)
@given(RATINGS, st.sampled_from(["last", "first", "mean"]))
def test_one_is_kept_of_each_pair(found: list[tuple[int, int, int, int]], how: str) -> None:
    user, item, rating, time = (np.array(column) for column in zip(*found, strict=True))
    rows, stars = settle(user, item, rating.astype(np.float32), time, how)
    frame = pd.DataFrame({"user": user, "item": item, "rating": rating, "time": time, "row": np.arange(len(user))})
    groups = frame.sort_values(["time", "row"]).groupby(["user", "item"])
    chosen = (groups.nth(0) if how == "first" else groups.nth(-1)).sort_values("row")
    assert rows.tolist() == chosen["row"].tolist()
    expected = groups["rating"].mean() if how == "mean" else groups["rating"].agg(how)
    pairs = pd.MultiIndex.from_arrays([user[rows], item[rows]])
    np.testing.assert_allclose(stars, expected.loc[pairs], rtol=1e-6)


@pytest.mark.parametrize(("how", "rating", "day"), [("last", 4, 2), ("first", 1, 1), ("mean", 3, 2)])
def test_a_table_s_repeated_ratings_are_settled_and_counted(how: str, rating: int, day: int, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(
        lines("2005-01-02,4,Heat,zo", "2005-01-01,1,Heat,zo", "2005-01-01,4,Heat,zo", "2005-01-09,2,Alien,zo")
    )
    columns = {"user": "who", "item": "what", "rating": "stars", "date": "day"}
    source = delimited.read(tmp_path / "r.csv", CsvSource(source="csv", path="x", columns=columns, repeated=how))
    assert source.left_out == {"n_repeated": 2}
    assert source.ratings["rating"].to_pylist() == [2, rating]
    assert [when.day for when in source.ratings["date"].to_pylist()] == [9, day]
