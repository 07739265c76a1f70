"""Ratings from a user's own file: delimited or Parquet, ids or names, dates or seconds."""

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeprec.data import delimited
from deeprec.data.ratings import SourceTables
from deeprec.runtime.files import InputError
from deeprec.settings.sources import CsvSource

COLUMNS = {"user": "who", "item": "what", "rating": "stars", "date": "day"}
DATED = "day,stars,what,who,other\n2005-02-01,4,20,2,x\n2005-01-31,5,20,1,x\n2005-03-01,3,10,1,x\n"


def source_of(**options: Any) -> CsvSource:
    return CsvSource(**{"source": "csv", "path": "here", "columns": COLUMNS, **options})


def read(path: Path, text: str | bytes, **options: Any) -> SourceTables:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return delimited.read(path, source_of(**options))


def rows(source: SourceTables) -> list[tuple]:
    names = ("user_id", "item_id", "rating")
    return list(zip(*(source.ratings[name].to_pylist() for name in names), strict=True))


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    source = read(tmp_path / "r.csv", DATED)
    assert rows(source) == [(1, 10, 3), (1, 20, 5), (2, 20, 4)]
    assert source.ratings["date"].to_pylist() == [date(2005, 3, 1), date(2005, 1, 31), date(2005, 2, 1)]
    assert source.ratings.column_names == ["user_id", "item_id", "rating", "date"]
    assert source.items.to_pylist()[0] == {"item_id": 10, "title": "10", "year": None}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (DATED.replace(",", ";"), {"delimiter": ";"}),
        (DATED.replace(",", "\t"), {"delimiter": "\t"}),
        (DATED.replace("\n", "\r\n"), {}),
        (DATED.replace(",", "::"), {"delimiter": "::"}),
        (DATED.replace(",", " | "), {"delimiter": " | "}),
        (
            DATED.partition("\n")[2],
            {"header": False, "columns": {"user": 3, "item": 2, "rating": 1, "date": 0}},
        ),
    ],
)
def test_any_delimited_text_reads(text: str, options: dict, tmp_path: Path) -> None:
    assert read(tmp_path / "r.csv", text, **options).ratings.equals(read(tmp_path / "s.csv", DATED).ratings)


def test_ratings_of_0_are_dropped_and_counted_where_asked(tmp_path: Path) -> None:
    text = DATED + "2005-03-01,0,20,3,x\n2005-03-01,-0.0,10,4,x\n"
    source = read(tmp_path / "r.csv", text, zero="drop")
    assert source.ratings.equals(read(tmp_path / "s.csv", DATED).ratings)
    assert source.left_out == {"n_zero": 2} and read(tmp_path / "s.csv", DATED).left_out == {}
    assert read(tmp_path / "s.csv", DATED, zero="drop").left_out == {"n_zero": 0}


def test_ratings_of_0_within_a_scale_are_not_dropped(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"r.csv: ratings run from -2.5 to 5, so that 0 is one of the scale"):
        read(tmp_path / "r.csv", DATED.replace(",3,", ",-2.5,").replace(",4,", ",0,"), zero="drop")
    assert rows(read(tmp_path / "r.csv", DATED.replace(",3,", ",-2.5,"), zero="drop"))[0] == (1, 10, -2.5)


def test_gzipped_text_reads(tmp_path: Path) -> None:
    assert len(rows(read(tmp_path / "r.csv.gz", gzip.compress(DATED.encode())))) == 3


def test_seconds_give_day_and_time(tmp_path: Path) -> None:
    text = "who,what,stars,at\n1,1,4.5,86399\n1,2,3,86400\n"
    source = read(
        tmp_path / "r.csv",
        text,
        columns={"user": "who", "item": "what", "rating": "stars", "timestamp": "at"},
    )
    assert source.ratings["date"].to_pylist() == [date(1970, 1, 1), date(1970, 1, 2)]
    assert source.ratings["timestamp"].cast(pa.int64()).to_pylist() == [86399, 86400]
    assert source.ratings["rating"].to_pylist() == [4.5, 3.0]


def test_names_become_numbers_and_stay_known(tmp_path: Path) -> None:
    text = 'day,stars,what,who\n2005-02-01,4,"Heat, 1995",zoë\n2005-01-31,5,Alien,adam\n2005-03-01,3,Alien,zoë\n'
    source = read(tmp_path / "r.csv", text)
    assert rows(source) == [(1, 1, 5), (2, 1, 3), (2, 2, 4)]
    assert source.items["title"].to_pylist() == ["Alien", "Heat, 1995"]
    assert source.users.to_pylist() == [{"user_id": 1, "name": "adam"}, {"user_id": 2, "name": "zoë"}]


@pytest.mark.parametrize("kind", ["date", "timestamp"])
@pytest.mark.parametrize("names", [False, True])
def test_parquet_reads(kind: str, names: bool, tmp_path: Path) -> None:
    when = pa.array([86_400 * 9, 86_400 * 8 + 5], pa.timestamp("s"))
    who = ["b", "a"] if names else [2, 1]
    pq.write_table(pa.table({"who": who, "what": [7, 7], "stars": [1.0, 2.0], "day": when}), tmp_path / "r.parquet")
    columns = {"user": "who", "item": "what", "rating": "stars", kind: "day"}
    source = delimited.read(tmp_path / "r.parquet", source_of(columns=columns))
    assert rows(source) == [(1, 7, 2), (2, 7, 1)]
    assert source.ratings["date"].to_pylist() == [date(1970, 1, 9), date(1970, 1, 10)]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=5)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stars=st.dictionaries(st.tuples(NAMES, NAMES), st.integers(1, 10), min_size=1, max_size=20))
def test_every_name_finds_its_rating(stars: dict[tuple[str, str], int], tmp_path: Path) -> None:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    lines = [f"2005-01-01,{n},{quoted(item)},{quoted(user)}" for (user, item), n in stars.items()]
    source = read(tmp_path / "r.csv", "\n".join(["day,stars,what,who", *lines]))
    users = dict(zip(source.users["user_id"].to_pylist(), source.users["name"].to_pylist(), strict=True))
    items = dict(zip(source.items["item_id"].to_pylist(), source.items["title"].to_pylist(), strict=True))
    found = {(users[user], items[item]): n for user, item, n in rows(source)}
    assert found == stars


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (DATED.replace("2005-01-31", "2005-02-31"), r"r.csv: .*Row #3: .*'2005-02-31'"),
        (DATED.replace(",5,", ",five,"), r"r.csv: .*Row #3: .*'five'.*expected user in who, item in what"),
        (DATED.replace(",5,", ",,"), r"r.csv: row 2 has no rating"),
        (DATED.replace(",5,", ",0,"), r"r.csv: rating 0.0 of user 1 for item 20"),
        (DATED.replace("who", "whom"), r"r.csv: .*who.*expected user in who"),
        (DATED + "2005-03-02,3,10,1,x\n", r"r.csv: user 1 rates item 10 more than once"),
        (DATED.partition("\n")[0] + "\n", r"r.csv: no ratings found"),
        ("", r"r.csv: .*[Ee]mpty"),
    ],
)
def test_bad_text_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        read(tmp_path / "r.csv", text)


def test_bad_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"r.parquet: .*expected a Parquet file with user, item, rating, date"):
        read(tmp_path / "r.parquet", "text")
    pq.write_table(pa.table({"who": [1]}), tmp_path / "s.parquet")
    with pytest.raises(InputError, match=r"s.parquet: no column what, stars, day; found who"):
        delimited.read(tmp_path / "s.parquet", source_of())


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    text = DATED + "".join(f"2005-01-01,1,{item},9,x\n" for item in range(5000))
    with pytest.raises(InputError, match=r"r.csv.gz: "):
        read(tmp_path / "r.csv.gz", gzip.compress(text.encode())[:-2000])


@pytest.mark.parametrize("ids", [("007", "7"), ("-1", "3"), ("1", "3000000000"), ("1.0", "1"), ("x", "7")])
def test_ids_that_are_not_plain_numbers_stay_apart_as_names(tmp_path: Path, ids: tuple[str, str]) -> None:
    text = "day,stars,what,who\n" + "".join(f"2005-02-01,4,{item},1\n" for item in ids)
    source = read(tmp_path / "r.csv", text)
    assert source.items["item_id"].to_pylist() == [1, 2] and source.items["title"].to_pylist() == sorted(ids)
    assert source.users["user_id"].to_pylist() == [1]  # a column by itself
