"""Tables nobody thought of: each is read as it was meant, and each that is spoilt at most is told in one line."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeprec.data import delimited
from deeprec.runtime.files import InputError
from deeprec.settings.sources import CsvSource
from tests.data.table_forms import COMPRESSED

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6).filter(
    lambda name: not name.isdigit()
)
STARS = st.integers(1, 20).map(lambda halves: halves / 2)
DAYS = st.integers(0, 40_000).map(lambda days: date(1940, 1, 1) + timedelta(days))
RATINGS = st.dictionaries(st.tuples(NAMES, NAMES), st.tuples(STARS, DAYS), min_size=1, max_size=12)
COLUMNS = {"user": "user id", "item": "item,id", "rating": "stars", "date": "day"}
WRITTEN = {
    "-": lambda day: day.isoformat(),
    "/": lambda day: f"{day.year}/{day.month}/{day.day}",
    "T": lambda day: f"{day.isoformat()}T23:59:59Z",
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict, bytes, dict]:
    """Ratings, a file that holds them, and what must be said of the file."""
    ratings = draw(RATINGS)
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", "::", " | "]))
    decimal = draw(st.sampled_from([".", ","]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]))
    order = draw(st.permutations([*COLUMNS, "other"]))
    written = WRITTEN[draw(st.sampled_from(sorted(WRITTEN)))]
    records = [[COLUMNS.get(key, "other") for key in order]]
    for (user, item), (stars, day) in ratings.items():
        known = {"user": user, "item": item, "rating": f"{stars:g}".replace(".", decimal), "date": written(day)}
        records.append([{**known, "other": draw(st.sampled_from(["", "x", 'a "b"', "two\nlines"]))}[k] for k in order])
    held = io.StringIO()
    # A delimiter of several characters is written as a character that no field has, then put in its place.
    mark = delimiter if len(delimiter) == 1 else "\x1e"
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    quoting = csv.QUOTE_ALL if mark != delimiter else draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    csv.writer(held, delimiter=mark, lineterminator=line_end, quoting=quoting).writerows(records)
    text = held.getvalue().replace("\x1e", delimiter) + draw(st.sampled_from(["", line_end]))
    pack = draw(st.sampled_from([bytes, *COMPRESSED.values()]))
    said = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding if encoding == "utf-16-le" else None}
    return ratings, pack(text.encode(encoding)), said


def read(path: Path, content: bytes, said: dict) -> delimited.SourceTables:
    path.write_bytes(content)
    return delimited.read(path, CsvSource(source="csv", path="here", columns=COLUMNS, **said))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_every_table_is_read_as_it_was_meant(tmp_path: Path, table: tuple[dict, bytes, dict]) -> None:
    ratings, content, said = table
    if any(said["delimiter"] in name for pair in ratings for name in pair):
        return
    source = read(tmp_path / "r", content, said)
    users = dict(zip(source.users["user_id"].to_pylist(), source.users["name"].to_pylist(), strict=True))
    items = dict(zip(source.items["item_id"].to_pylist(), source.items["title"].to_pylist(), strict=True))
    found = {
        (users[row["user_id"]], items[row["item_id"]]): (row["rating"], row["date"])
        for row in source.ratings.to_pylist()
    }
    assert found == ratings


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables(), data=st.data())
def test_a_spoilt_table_is_read_or_told_in_one_line(
    tmp_path: Path, table: tuple[dict, bytes, dict], data: st.DataObject
) -> None:
    _, content, said = table
    spoilt = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt)))
        length = data.draw(st.sampled_from([0, 1, 1, 5]))
        put = data.draw(
            st.sampled_from([b"", b"\0", b'"', b"\n", b",", b"\xff", b"-", b"99999999999"]) | st.binary(max_size=3)
        )
        spoilt[at : at + length] = put
    _is_read_or_told(tmp_path / "r", bytes(spoilt), said)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=60), start=st.sampled_from(["", *COMPRESSED]), head=st.booleans())
def test_any_bytes_are_read_or_told_in_one_line(tmp_path: Path, content: bytes, start: str, head: bool) -> None:
    if head:
        content = b'user id,"item,id",stars,day\n' + content
    if start:  # of such a file, but with something else behind
        content = COMPRESSED[start](b"")[:6] + content
    _is_read_or_told(tmp_path / "r", content, {})


def _is_read_or_told(path: Path, content: bytes, said: dict) -> None:
    try:
        ratings = read(path, content, said).ratings.to_pandas()
    except InputError as error:
        message = str(error)
        assert message.startswith(str(path)) and "\n" not in message and len(message) < 600
        return
    assert len(ratings) and not ratings.isna().any(axis=None)
    assert not ratings.duplicated(["user_id", "item_id"]).any()


def test_the_spoilt_are_not_all_refused(tmp_path: Path) -> None:
    """A harmless change is read, so that the test above has both outcomes."""
    content = b'user id,"item,id",stars,day\n1,2,3,2005-01-01\n'
    assert read(tmp_path / "r", content + b"\n\n", {}).ratings.num_rows == 1
    with pytest.raises(InputError):
        read(tmp_path / "r", content + b"\xff\n", {})
