"""The ratings table: what it holds, in which order, what it refuses; and its file."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprec.data import ratings as module
from deeprec.data.ordering import by_user
from deeprec.data.ratings import RepeatedRating, TableWriter, ratings_table, user_chunks, write_table
from deeprec.runtime.files import InputError

IDS = st.integers(0, 50) | st.integers(0, 2**31 - 1)
PAIRS = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=60, unique=True)


def table_of(pairs: list[tuple[int, int]], rating: list[float] | None = None) -> pa.Table:
    user, item = (np.array(ids, np.int32) for ids in zip(*pairs, strict=True))
    stars = np.ones(len(pairs), np.int8) if rating is None else np.array(rating)
    return ratings_table(user, item, stars, np.arange(len(pairs)), origin="here")


@settings(deadline=None)
@given(PAIRS)
def test_rows_are_ordered_by_user_then_item_and_stay_whole(pairs: list[tuple[int, int]]) -> None:
    table = table_of(pairs)
    days = {pair: day for day, pair in enumerate(pairs)}
    found = list(zip(table["user_id"].to_pylist(), table["item_id"].to_pylist(), strict=True))
    assert found == sorted(pairs)
    assert table["date"].cast(pa.int32()).to_pylist() == [days[pair] for pair in found]


@settings(deadline=None)
@given(PAIRS, st.randoms())
def test_order_of_arrival_does_not_matter(pairs: list[tuple[int, int]], random: object) -> None:
    user, item = (np.array(ids, np.int32) for ids in zip(*pairs, strict=True))
    by_item = np.argsort(item, kind="stable")
    for order in (np.arange(len(pairs)), by_item, np.lexsort((item, user))):
        users, items, moved = by_user(user[order], item[order])
        assert list(zip(users, items, strict=True)) == sorted(pairs)
        assert (user[order][moved] == users).all()
        assert (item[order][moved] == items).all()


@settings(deadline=None)
@given(PAIRS, st.data())
def test_repeated_rating_is_refused(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(pairs))
    with pytest.raises(RepeatedRating, match=f"here: user {again[0]} rates item {again[1]} more than once") as error:
        table_of([*pairs, again])
    assert (error.value.user_id, error.value.item_id) == again


@pytest.mark.parametrize(
    ("rating", "kind"), [([1, 5], "int8"), ([1.0, 5.0], "int8"), ([0.5, 5.0], "float"), ([-1, 1], "int8")]
)
def test_whole_stars_are_bytes(rating: list[float], kind: str) -> None:
    table = table_of([(1, 1), (1, 2)], rating)
    assert str(table["rating"].type) == kind
    assert table["rating"].to_pylist() == rating


@pytest.mark.parametrize("bad", [0, 0.0, float("nan"), float("inf")])
def test_rating_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match=rf"here: rating {bad} of user 7 for item 8; expected a finite number"):
        table_of([(1, 1), (7, 8)], [1, bad])


def test_no_ratings_are_refused() -> None:
    empty = np.empty(0, np.int32)
    with pytest.raises(InputError, match="here: no ratings found"):
        ratings_table(empty, empty, empty, empty, origin="here")


def test_negative_id_is_refused() -> None:
    with pytest.raises(InputError, match="here: id -3; expected ids from 0"):
        table_of([(1, -3)])


def test_timestamps_move_along() -> None:
    table = ratings_table(
        np.array([2, 1]),
        np.array([1, 1]),
        np.array([3, 4]),
        np.array([1, 0]),
        np.array([90_000, 5]),
        origin="here",
    )
    assert table["timestamp"].type == pa.timestamp("s", "UTC")
    assert table["timestamp"].cast(pa.int64()).to_pylist() == [5, 90_000]


def many_ratings(n_users: int = 200, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((n_users, 30)) < 0.5)
    return ratings_table(user, item, rng.integers(1, 6, len(user)), rng.integers(0, 99, len(user)), origin="here")


def test_file_keeps_the_table_in_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", 100)
    table = many_ratings()
    write_table(table, tmp_path / "ratings.parquet")
    file = pq.ParquetFile(tmp_path / "ratings.parquet")
    assert file.read().equals(table)
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert sizes[:-1] == [100] * (len(sizes) - 1)
    encodings = file.metadata.row_group(0).column(0).encodings
    assert "DELTA_BINARY_PACKED" in encodings


@pytest.mark.parametrize("piece", [1, 37, 100, 5000])
def test_writing_bit_by_bit_gives_the_same_file(piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", 100)
    table = many_ratings()
    write_table(table, tmp_path / "whole.parquet")
    writer = TableWriter(tmp_path / "bits.parquet")
    for start in range(0, table.num_rows, piece):
        writer.write_table(table.slice(start, piece))
    writer.close()
    assert (tmp_path / "bits.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize("group", [1, 7, 100, 10_000])
def test_chunks_hold_whole_users_and_everything(group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = many_ratings()
    write_table(table, tmp_path / "ratings.parquet")
    monkeypatch.setattr(module, "ROW_GROUP", group)
    chunks = list(user_chunks(tmp_path / "ratings.parquet"))
    for name in ("user_id", "item_id", "rating"):
        assert np.concatenate([chunk[name] for chunk in chunks]).tolist() == table[name].to_pylist()
    assert all(a["user_id"][-1] < b["user_id"][0] for a, b in pairwise(chunks))
