"""Time splits, as inequalities: train < cut <= test, disjoint, counts add up, nobody unseen."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deeprec.data import ratings as ratings_module
from deeprec.data.matrix import read_part, read_train
from deeprec.data.ratings import ratings_table, write_table
from deeprec.data.splits import intervals, split_ratings, tie_breaker
from deeprec.runtime.files import InputError
from deeprec.settings.splits import DateSplit, PerUserSplit, TimeSplit

START = np.datetime64("2005-01-01").astype(int)
CUT = DateSplit(train=["2005-01-03", "2005-01-20"], test=["2005-01-21", "2005-01-28"], seed=0)
COLUMNS = ["user_id", "item_id", "rating", "date"]


def write_ratings(path: Path, seed: int, n_users: int = 60, n_items: int = 25, share: float = 0.4) -> pd.DataFrame:
    """Write random ratings of January 2005 and return them."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((n_users, n_items)) < share)
    days = START + rng.integers(0, 31, len(user))
    table = ratings_table(user * 7 + 3, item * 2 + 1, rng.integers(1, 6, len(user)), days, origin="here")
    write_table(table, path)
    return table.to_pandas()


def read_split(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the parts, with raw ids beside the dense indices."""
    users, items = (pd.read_parquet(folder / f"{name}.parquet") for name in ("users", "items"))
    return {
        part: pd.read_parquet(folder / f"{part}.parquet").merge(users, on="user").merge(items, on="item")
        for part in ("train", "valid", "test")
    }


def as_set(frame: pd.DataFrame) -> set[tuple]:
    return set(frame[COLUMNS].itertuples(index=False, name=None))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.9), group=st.sampled_from([16, 200, 1 << 20]))
@pytest.mark.parametrize("split", [CUT, PerUserSplit(test_fraction=0.3)], ids=["dates", "per_user"])
def test_parts_are_disjoint_and_add_up(
    split: TimeSplit, seed: int, share: float, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratings_module, "ROW_GROUP", group)
    ratings = write_ratings(tmp_path / "ratings.parquet", seed, share=share)
    try:
        stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", split.model_copy(update={"seed": seed}))
    except InputError:
        return
    parts = read_split(tmp_path / "s")
    train, valid, test = (as_set(parts[name]) for name in ("train", "valid", "test"))
    assert not (train & valid or train & test or valid & test)
    assert train | valid | test <= as_set(ratings)
    assert [stats[name]["n_ratings"] for name in parts] == [len(part) for part in parts.values()]
    assert stats["interval"]["n_ratings"] == len(valid) + len(test)
    interval = as_set(ratings) - train
    if isinstance(split, DateSplit):
        interval = {row for row in interval if split.test[0] <= row[3] <= split.test[1]}
    assert stats["n_unseen"] + len(valid) + len(test) == len(interval)
    for name in ("user_id", "item_id"):
        known = set(parts["train"][name])
        assert {row[COLUMNS.index(name)] for row in valid | test} <= known
        unseen = {row for row in interval if row[0] not in set(parts["train"]["user_id"])}
        assert not unseen & (valid | test)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dates_train_before_the_cut_and_test_after(seed: int, tmp_path: Path) -> None:
    ratings = write_ratings(tmp_path / "ratings.parquet", seed)
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT.model_copy(update={"seed": seed}))
    parts = read_split(tmp_path / "s")
    assert parts["train"]["date"].between(*CUT.train).all()
    assert pd.concat([parts["valid"], parts["test"]])["date"].between(*CUT.test).all()
    assert len(parts["train"]) == ratings["date"].between(*CUT.train).sum()
    assert stats["train"]["first_date"] >= "2005-01-03"
    assert stats["interval"]["last_date"] <= "2005-01-28"


@given(seed=st.integers(0, 10**6), fraction=st.floats(0.1, 0.9))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_per_user_tests_the_last_of_each_user(seed: int, fraction: float, tmp_path: Path) -> None:
    ratings = write_ratings(tmp_path / "ratings.parquet", seed)
    split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", PerUserSplit(test_fraction=fraction, seed=seed))
    parts = read_split(tmp_path / "s")
    late = pd.concat([parts["valid"], parts["test"]]).groupby("user_id")["date"].min()
    early = parts["train"].groupby("user_id")["date"].max()
    assert (early[late.index] <= late).all()
    counts = ratings.groupby("user_id").size()
    trained = parts["train"].groupby("user_id").size().reindex(counts.index, fill_value=0)
    assert (trained == np.floor((1 - fraction) * counts + 1e-9)).all()


def test_time_of_the_day_orders_a_user_s_ratings() -> None:
    chunk = {
        "user_id": np.array([1, 1, 1]),
        "item_id": np.array([1, 2, 3]),
        "date": np.array([9, 9, 9]),
        "timestamp": np.array([30, 10, 20]),
    }
    train, test, tied = intervals(chunk, PerUserSplit(test_fraction=0.34), np.random.default_rng(0))
    assert not tied.any()
    assert train.tolist() == [False, False, True] or train.tolist() == [False, True, False]
    assert chunk["timestamp"][train].max() < chunk["timestamp"][test].min()


def test_ten_ratings_at_thirty_per_cent_train_seven() -> None:
    chunk = {"user_id": np.zeros(10, int), "item_id": np.arange(10), "date": np.arange(10)}
    assert intervals(chunk, PerUserSplit(test_fraction=0.3), np.random.default_rng(0)).train.sum() == 7


def of_one_day(n_users: int, n_items: int) -> dict[str, np.ndarray]:
    """Everybody's ratings of everything, all of one day, as a chunk."""
    user, item = np.divmod(np.arange(n_users * n_items), n_items)
    return {"user_id": user, "item_id": item, "date": np.full(len(user), 9)}


def test_of_ratings_of_one_day_every_item_is_tested_alike() -> None:
    """Ties that went by item id tested the last 9 of the 30 items, of every user."""
    split = PerUserSplit(test_fraction=0.3, seed=3)
    found = intervals(of_one_day(2000, 30), split, tie_breaker(split))
    tested = np.bincount(np.nonzero(found.test)[0] % 30, minlength=30)
    assert tested.sum() == 2000 * 9 and found.tied.all()
    assert np.abs(tested - 600).max() < 5 * np.sqrt(2000 * 0.3 * 0.7)


@pytest.mark.parametrize(
    ("days", "tied"),
    [
        ([1, 2, 3, 4], [0, 0, 0, 0]),
        ([1, 2, 2, 4], [0, 1, 1, 0]),  # two train
        ([1, 1, 2, 2], [0, 0, 0, 0]),  # the boundary lies between two times
        ([2, 2, 2, 1], [1, 1, 1, 0]),
        ([5, 5, 5, 5], [1, 1, 1, 1]),
    ],
)
def test_ratings_at_a_parted_time_are_tied(days: list[int], tied: list[int]) -> None:
    chunk = {"user_id": np.zeros(4, int), "item_id": np.arange(4), "date": np.array(days)}
    assert intervals(chunk, PerUserSplit(test_fraction=0.5), np.random.default_rng(0)).tied.tolist() == tied


def test_a_user_who_trains_or_is_tested_whole_is_not_tied() -> None:
    chunk = {"user_id": np.array([1, 2, 2]), "item_id": np.array([1, 1, 2]), "date": np.array([9, 9, 9])}
    for fraction, trained, tied in ((1e-12, 3, 0), (0.01, 1, 2), (0.99, 0, 0)):
        found = intervals(chunk, PerUserSplit(test_fraction=fraction), np.random.default_rng(0))
        assert (found.train.sum(), found.tied.sum()) == (trained, tied)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), fraction=st.floats(0.1, 0.9), n_days=st.integers(1, 4), random=st.randoms())
def test_ties_are_parted_by_the_seed_whatever_the_order(
    seed: int, fraction: float, n_days: int, random: object, tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((40, 12)) < 0.7)
    day = START + rng.integers(0, n_days, len(user))
    split = PerUserSplit(test_fraction=fraction, seed=seed)
    found = []
    for name, order in (("a", slice(None)), ("b", rng.permutation(len(user)))):
        table = ratings_table(user[order], item[order], np.ones(len(user)), day[order], origin="here")
        write_table(table, tmp_path / "ratings.parquet")
        found.append((split_ratings(tmp_path / "ratings.parquet", tmp_path / name, split), read_split(tmp_path / name)))
    assert found[0][0] == found[1][0]
    for part in ("train", "valid", "test"):
        assert found[0][1][part].equals(found[1][1][part])
    # Whoever has ratings of one day on both sides has them counted, and nobody else.
    frame = pd.DataFrame({"user_id": user, "item_id": item, "day": day})
    trained = found[0][1]["train"][["user_id", "item_id"]].assign(trained=1)
    frame = frame.merge(trained, how="left").fillna({"trained": 0})
    sides = frame.groupby(["user_id", "day"])["trained"].agg(["nunique", "size"])
    assert found[0][0]["n_tied"] == sides.loc[sides["nunique"] == 2, "size"].sum()


def test_another_seed_parts_ties_otherwise(tmp_path: Path) -> None:
    table = ratings_table(*np.nonzero(np.ones((9, 20))), np.ones(180), np.full(180, START), origin="here")
    write_table(table, tmp_path / "ratings.parquet")
    for seed in (0, 1):
        split_ratings(tmp_path / "ratings.parquet", tmp_path / str(seed), PerUserSplit(test_fraction=0.3, seed=seed))
    train = [as_set(read_split(tmp_path / str(seed))["train"]) for seed in (0, 1)]
    assert len(train[0]) == len(train[1]) == 9 * 14 and train[0] != train[1]


def test_same_seed_same_bytes_and_another_seed_another_draw(tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0)
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        split_ratings(tmp_path / "ratings.parquet", tmp_path / name, CUT.model_copy(update={"seed": seed}))
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == [f"{name}.parquet" for name in ("items", "test", "train", "users", "valid")]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "train.parquet").read_bytes() == (tmp_path / "c" / "train.parquet").read_bytes()
    assert as_set(read_split(tmp_path / "a")["valid"]) != as_set(read_split(tmp_path / "c")["valid"])


@pytest.mark.parametrize("group", [10, 333])
def test_size_of_the_row_groups_does_not_matter(group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0)
    split_ratings(tmp_path / "ratings.parquet", tmp_path / "a", CUT)
    monkeypatch.setattr(ratings_module, "ROW_GROUP", group)
    split_ratings(tmp_path / "ratings.parquet", tmp_path / "b", CUT)
    for name in ("train", "valid", "test"):
        a, b = (pq.read_table(tmp_path / folder / f"{name}.parquet") for folder in "ab")
        assert a.equals(b)


def test_valid_and_test_are_roughly_half(tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0, n_users=1000)
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT)
    n = stats["interval"]["n_ratings"]
    assert abs(stats["valid"]["n_ratings"] - n / 2) < 4 * np.sqrt(n / 4)


def test_files_are_typed_dense_and_ordered(tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0)
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT)
    for name in ("train", "valid", "test"):
        table = pq.read_table(tmp_path / "s" / f"{name}.parquet")
        assert [str(kind) for kind in table.schema.types] == ["int32", "int32", "int8", "date32[day]"]
        assert table.equals(table.sort_by([("user", "ascending"), ("item", "ascending")]))
    for name, id_name in (("users", "user_id"), ("items", "item_id")):
        table = pq.read_table(tmp_path / "s" / f"{name}.parquet")
        assert table[0].to_pylist() == list(range(stats["train"][f"n_{name}"]))
        assert table[id_name].to_pylist() == sorted(table[id_name].to_pylist())


def test_counts_are_those_of_the_files(tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0, share=0.1)
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT)
    parts = read_split(tmp_path / "s")
    parts["interval"] = pd.concat([parts["valid"], parts["test"]])
    for name, part in parts.items():
        assert stats[name] == {
            "n_ratings": len(part),
            "n_users": part["user_id"].nunique(),
            "n_items": part["item_id"].nunique(),
            "first_date": part["date"].min().isoformat(),
            "last_date": part["date"].max().isoformat(),
            "min_rating": part["rating"].min(),
            "max_rating": part["rating"].max(),
        }


def test_training_matrix_holds_the_train_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0)
    monkeypatch.setattr(ratings_module, "ROW_GROUP", 50)
    split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT)
    matrix, train = read_train(tmp_path / "s"), read_part(tmp_path / "s", "train")
    rows = np.repeat(np.arange(matrix.n_rows), matrix.offsets.diff().numpy())
    assert (rows == train.user).all()
    assert (matrix.columns.numpy() == train.item).all()
    assert (matrix.values.numpy() == train.rating).all()
    assert matrix.n_columns == pq.read_metadata(tmp_path / "s" / "items.parquet").num_rows
    assert matrix.columns.element_size() + matrix.values.element_size() == 3  # bytes a rating


@pytest.mark.parametrize(
    ("train", "test", "reason"),
    [
        (("2004-01-01", "2004-02-01"), ("2005-01-05", "2005-01-09"), "no rating falls into train"),
        (("2005-01-01", "2005-01-20"), ("2006-01-05", "2006-01-09"), "no rating falls into valid"),
    ],
)
def test_empty_part_is_refused_and_nothing_written(train: tuple, test: tuple, reason: str, tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0)
    split = DateSplit(train=list(train), test=list(test), seed=0)
    with pytest.raises(InputError, match=rf"{reason} .*the data run from 2005-01-01 to 2005-01-31"):
        split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", split)
    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.parametrize(
    ("train", "test", "reason"),
    [
        (("2005-01-01", "2005-01-20"), ("2005-01-20", "2005-01-30"), "expected train < test"),
        (
            ("2005-01-21", "2005-01-20"),
            ("2005-01-22", "2005-01-30"),
            "train begins on 2005-01-21 after it ends",
        ),
        (("2005-01-01", "2005-01-32"), ("2005-02-01", "2005-02-28"), "expected a date"),
    ],
)
def test_intervals_that_make_no_sense_are_refused(train: tuple, test: tuple, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        DateSplit(train=list(train), test=list(test))


def test_a_split_without_a_seed_is_refused(tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.parquet", 0)
    with pytest.raises(InputError, match="split 's': no seed; expected one"):
        split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT.model_copy(update={"seed": None}))


def test_a_user_known_by_test_ratings_alone_is_left_out(tmp_path: Path) -> None:
    days = START + np.array([5, 5, 5, 24, 24, 24, 24, 24, 24, 24])
    user = np.array([1, 2, 3, 1, 1, 2, 2, 3, 3, 9])
    item = np.array([1, 2, 3, 2, 3, 1, 3, 1, 2, 1])
    write_table(ratings_table(user, item, np.full(10, 3), days, origin="here"), tmp_path / "ratings.parquet")
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT)
    assert (stats["n_unseen"], stats["interval"]["n_ratings"], stats["train"]["n_users"]) == (1, 6, 3)
    assert (stats["n_unseen_users"], stats["n_unseen_items"], stats["n_tied"]) == (1, 0, 0)


def test_users_and_items_without_training_ratings_are_counted_once(tmp_path: Path) -> None:
    days = START + np.array([5, 5, 24, 24, 24, 24, 24, 24, 24])
    user = np.array([1, 2, 1, 2, 8, 8, 9, 1, 2])
    item = np.array([1, 2, 2, 1, 1, 7, 7, 7, 7])  # 8 and 9 are unseen, and so is item 7
    write_table(ratings_table(user, item, np.full(9, 3), days, origin="here"), tmp_path / "ratings.parquet")
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT.model_copy(update={"seed": 0}))
    assert {name: stats[name] for name in stats if "unseen" in name} == {
        "n_unseen": 5,
        "n_unseen_users": 2,
        "n_unseen_items": 1,
    }


def test_a_test_interval_of_strangers_alone_says_so(tmp_path: Path) -> None:
    days = START + np.array([5, 5, 24, 24])
    table = ratings_table(np.array([1, 2, 3, 4]), np.array([1, 2, 1, 2]), np.full(4, 3), days, origin="here")
    write_table(table, tmp_path / "ratings.parquet")
    with pytest.raises(InputError, match="is left for valid without the 2 whose user or item has none in train of"):
        split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", CUT)
    assert list((tmp_path / "s").iterdir()) == []


def write_train(folder: Path, items: list[int], n_items: int) -> None:
    """Write three training ratings of these items, by two users, with id maps of two users and `n_items` items."""
    write_table(pa.table({"id": np.arange(2)}), folder / "users.parquet")
    write_table(pa.table({"id": np.arange(n_items)}), folder / "items.parquet")
    part = {"user": [0, 1, 1], "item": items, "rating": [5, 1, 3]}
    types = {"user": pa.int32(), "item": pa.int32(), "rating": pa.int8()}
    table = pa.table({name: pa.array(values, types[name]) for name, values in part.items()})
    write_table(table, folder / "train.parquet")


@pytest.mark.parametrize(("n_items", "kind"), [(32_767, torch.int16), (32_768, torch.int32)])
def test_items_are_as_small_as_their_number_allows(tmp_path, n_items, kind):
    write_train(tmp_path, [n_items - 1, 0, n_items - 1], n_items)
    matrix = read_train(tmp_path)
    assert matrix.columns.dtype == kind
    dense = matrix.rows(torch.arange(2)).dense()
    assert dense[:, [0, -1]].tolist() == [[0, 5], [1, 3]]
    assert dense.sum() == 9


@pytest.mark.parametrize(("item", "found"), [(-1, "items -1 to 3"), (4, "items 0 to 4")])
def test_an_item_that_the_map_beside_it_lacks_is_refused(tmp_path, item, found):
    write_train(tmp_path, [3, 0, item], n_items=4)
    with pytest.raises(InputError, match=rf"train\.parquet: found {found}; expected 0 to 3, as in items\.parquet"):
        read_train(tmp_path)
