"""The k-core: whoever has too few ratings leaves, and takes others along."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprec.data.min_ratings import k_core
from deeprec.data.ratings import left_out, ratings_table, with_left_out, write_table
from deeprec.runtime.files import InputError
from deeprec.settings.sources import MinRatings

PAIRS = st.sets(st.tuples(st.integers(0, 9), st.integers(0, 2**31 - 1) | st.integers(0, 9)), min_size=1, max_size=70)


def table_of(pairs):
    user, item = (np.array(ids) for ids in zip(*sorted(pairs), strict=True))
    return ratings_table(user, item, np.ones(len(user)), np.arange(len(user)), origin="here")


def core_of(frame: pd.DataFrame, least: MinRatings) -> pd.DataFrame:
    """The core by its definition, one round after the other."""
    while True:
        users, items = (frame.groupby(name)["date"].transform("size") for name in ("user_id", "item_id"))
        kept = frame[(users >= least.user) & (items >= least.item)]
        if len(kept) == len(frame):
            return frame
        frame = kept


@settings(deadline=None)
@given(PAIRS, st.integers(1, 4), st.integers(1, 4))
def test_core_is_what_its_definition_says(pairs, user, item):
    table, least = table_of(pairs), MinRatings(user=user, item=item)
    before, expected = table.to_pandas(), core_of(table.to_pandas(), least)
    if expected.empty:
        with pytest.raises(InputError, match=rf"here: no rating is left by min_ratings {{user: {user}, item: {item}}}"):
            k_core(table, least, origin="here")
        return
    core, counts = k_core(table, least, origin="here")
    assert core.to_pandas().equals(expected.reset_index(drop=True))
    assert counts == {
        "n_rare": len(before) - len(expected),
        "n_rare_users": before["user_id"].nunique() - expected["user_id"].nunique(),
        "n_rare_items": before["item_id"].nunique() - expected["item_id"].nunique(),
    }


def test_one_who_leaves_takes_others_along():
    chain = {(user, item) for user in range(5) for item in (user, user + 1)}  # item 5 has one rating: all go in turn
    square = {(user, item) for user in (7, 8) for item in (70, 80)}
    core, counts = k_core(table_of(chain | square), MinRatings(user=2, item=2), origin="here")
    assert set(zip(core["user_id"].to_pylist(), core["item_id"].to_pylist(), strict=True)) == square
    assert counts == {"n_rare": 10, "n_rare_users": 5, "n_rare_items": 6}


def test_what_was_left_out_stands_in_the_file(tmp_path):
    table = table_of({(1, 1), (2, 2)})
    write_table(with_left_out(table, {"n_zero": 12}), tmp_path / "counted.parquet")
    write_table(with_left_out(table, {}), tmp_path / "plain.parquet")
    write_table(table, tmp_path / "as_before.parquet")
    assert left_out(tmp_path / "counted.parquet") == {"n_zero": 12} and left_out(tmp_path / "plain.parquet") == {}
    assert (tmp_path / "plain.parquet").read_bytes() == (tmp_path / "as_before.parquet").read_bytes()
