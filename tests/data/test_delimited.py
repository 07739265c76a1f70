"""Ratings from a user's own file: delimited or Parquet, ids or names, dates or seconds."""

import gzip
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeprec.data import delimited, text_table
from deeprec.data.ratings import SourceTables
from deeprec.runtime.files import InputError
from deeprec.settings.sources import CsvSource
from tests.data.table_forms import COMPRESSED, lines, parquet, zipped

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


def test_a_scale_that_crosses_0_without_one_is_kept(tmp_path: Path) -> None:
    assert rows(read(tmp_path / "r.csv", DATED.replace(",3,", ",-2.5,"), zero="drop"))[0] == (1, 10, -2.5)


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("form", ["text", "parquet", "gzipped text"])
def test_packed_tables_read_whatever_their_name(kind: str, form: str, tmp_path: Path) -> None:
    content = {"text": DATED.encode(), "parquet": parquet(), "gzipped text": gzip.compress(DATED.encode())}[form]
    expected = read(tmp_path / "plain", content)
    for name in ("r.csv", "r.parquet", "r.pq", "r"):
        source = read(tmp_path / name, COMPRESSED[kind](content))
        assert source.ratings.equals(expected.ratings) and source.users.equals(expected.users)


def test_what_an_archiver_adds_is_passed_over(tmp_path: Path) -> None:
    content = zipped({"folder/": b"", "folder/r.csv": DATED.encode(), "__MACOSX/r.csv": b"", ".DS_Store": b""})
    assert len(rows(read(tmp_path / "r.zip", content))) == 3


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", None), ("utf-16", None), ("utf-32", None), ("utf-16-le", "utf-16-le"), ("latin-1", "latin-1"),
        ("cp1252", "windows-1252"), ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("shift-jis", "shift_jis"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("delimiter", [",", "::"])
def test_any_encoding_reads(encoding: str, said: str | None, delimiter: str, tmp_path: Path) -> None:
    word = "犬" if encoding == "shift-jis" else "é"
    text = DATED.replace("1,x", f"{word},x").replace(",", delimiter)
    source = read(tmp_path / "r.csv", text.encode(encoding), encoding=said, delimiter=delimiter)
    assert source.users["name"].to_pylist() == ["2", word]
    assert rows(source) == [(1, 20, 4), (2, 10, 3), (2, 20, 5)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_blocks_may_end_within_a_delimiter_or_a_character(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_table, "BLOCK", size)
    text = DATED.replace("1,x", "é:,x").replace(",", "::")
    stream = text_table._Utf8(io.BytesIO(text.encode("utf-16")), "here", "utf-16", "::")
    assert stream.read().decode() == text.replace("::", text_table.SEPARATOR)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2005-01-31", "2005-01-31"), ("2005/01/31", "2005-01-31"), ("2005/1/3", "2005-01-03"),
        ("20050131", "2005-01-31"), (" 2005-01-31 ", "2005-01-31"), ("2005-01-31T10:00:00Z", "2005-01-31"),
        ("2005-01-31 23:30:00-05:00", "2005-02-01"), ("2005-01-31 10:00", "2005-01-31"),
        ("2005-01-31 23:59:59.999999999", "2005-01-31"), ("1881-01-01", "1881-01-01"), ("2058-12-31", "2058-12-31"),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(written: str, expected: str, tmp_path: Path) -> None:
    source = read(tmp_path / "r.csv", lines(f"{written},4,1,1"))
    assert source.ratings["date"].to_pylist() == [date.fromisoformat(expected)]
    assert "timestamp" not in source.ratings.column_names


TIMED = {"user": "who", "item": "what", "rating": "stars", "timestamp": "day"}


@pytest.mark.parametrize(
    "written",
    [
        "1112486027", "1112486027.75", "1112486027000", "1112486027999.5", "1112486027000000", "1112486027000000001",
        "2005-04-02 23:53:47", "2005/4/2 23:53:47", "2005-04-03T01:53:47+0200", "2005-04-02T23:53:47.9Z",
    ],
)  # fmt: skip
def test_times_in_any_unit_are_the_same_second(written: str, tmp_path: Path) -> None:
    source = read(tmp_path / "r.csv", lines(f"{written},4,1,1"), columns=TIMED)
    assert source.ratings["timestamp"].cast(pa.int64()).to_pylist() == [1_112_486_027]
    assert source.ratings["date"].to_pylist() == [date(2005, 4, 2)]


def test_another_unit_than_seconds_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(tmp_path / "r.csv", lines("1112486027000,4,1,1"), columns=TIMED)
    assert caplog.messages == [
        f"{tmp_path}/r.csv:2: timestamps are taken as milliseconds since 1970: the first is of 2005-04-02"
    ]


def test_decimal_commas_read_where_said(tmp_path: Path) -> None:
    text = lines('"1112486027,75";"4,5";1;1').decode().replace("day,stars,what,who", "day;stars;what;who")
    source = read(tmp_path / "r.csv", text, columns=TIMED, delimiter=";", decimal=",")
    assert rows(source) == [(1, 1, 4.5)]
    assert source.ratings["timestamp"].cast(pa.int64()).to_pylist() == [1_112_486_027]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"who": pa.array([1, 2], pa.int8())}, [(1, 5, 1), (2, 6, 2)]),
        ({"who": [1.0, 2.0]}, [(1, 5, 1), (2, 6, 2)]),  # as pandas writes numbers, one of which was missing
        ({"who": [Decimal("1.00"), Decimal("2.00")]}, [(1, 5, 1), (2, 6, 2)]),
        ({"who": pa.array(["b", "a"]).dictionary_encode()}, [(1, 6, 2), (2, 5, 1)]),
        ({"who": pa.array(["b", "a"], pa.large_string())}, [(1, 6, 2), (2, 5, 1)]),
        ({"who": pa.array([2**63, 1], pa.uint64())}, [(1, 6, 2), (2, 5, 1)]),
        ({"stars": [Decimal("1.5"), Decimal("2.0")]}, [(1, 5, 1.5), (2, 6, 2)]),
        ({"stars": ["1.5", "2"]}, [(1, 5, 1.5), (2, 6, 2)]),
        ({"stars": pa.array([1, 2]).dictionary_encode()}, [(1, 5, 1), (2, 6, 2)]),
        ({"day": ["2002-11-09", "2002/11/10"]}, [(1, 5, 1), (2, 6, 2)]),
        ({"day": [20021109, 20021110]}, [(1, 5, 1), (2, 6, 2)]),
        ({"day": pa.array([12_000, 12_001], pa.date32()).cast(pa.date64())}, [(1, 5, 1), (2, 6, 2)]),
        ({"day": pa.array([12_000 * 86_400 * 10**6, 12_001 * 86_400 * 10**6], pa.timestamp("us", "Asia/Tokyo"))},
         [(1, 5, 1), (2, 6, 2)]),
    ],
)  # fmt: skip
def test_parquet_of_any_types_reads(changes: dict, expected: list, tmp_path: Path) -> None:
    source = read(tmp_path / "r", parquet(**changes))
    assert rows(source) == expected
    assert sorted(source.ratings["date"].to_pylist()) == [date(2002, 11, 9), date(2002, 11, 10)]


def test_columns_without_a_name_go_by_number(tmp_path: Path) -> None:
    numbered = {"user": 3, "item": 2, "rating": 1, "date": 0}
    assert read(tmp_path / "r.csv", DATED, columns=numbered).ratings.equals(read(tmp_path / "s.csv", DATED).ratings)
    named = DATED.replace("day,stars,what,who", "3,1,2,0")  # as a name where it is one
    with pytest.raises(InputError, match=r"r.csv:2: date '2'"):
        read(tmp_path / "r.csv", named, columns=numbered)


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


@pytest.mark.parametrize("ids", [("007", "7"), ("-1", "3"), ("1", "3000000000"), ("1.0", "1"), ("x", "7")])
def test_ids_that_are_not_plain_numbers_stay_apart_as_names(tmp_path: Path, ids: tuple[str, str]) -> None:
    text = "day,stars,what,who\n" + "".join(f"2005-02-01,4,{item},1\n" for item in ids)
    source = read(tmp_path / "r.csv", text)
    assert source.items["item_id"].to_pylist() == [1, 2] and source.items["title"].to_pylist() == sorted(ids)
    assert source.users["user_id"].to_pylist() == [1]  # a column by itself
