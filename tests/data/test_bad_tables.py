"""What people hand in that does not fit: each ends in one line with the place, what was found and what was expected."""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pyarrow as pa
import pytest

from deeprec.data import delimited
from deeprec.data.sources import download_ratings
from deeprec.runtime.files import InputError
from deeprec.settings.sources import CsvSource
from tests.data.table_forms import TEXT, flipped, header_changed, lines, parquet, zipped, zstd

DATED = {"user": "who", "item": "what", "rating": "stars", "date": "day"}
TIMED = {"user": "who", "item": "what", "rating": "stars", "timestamp": "day"}
BYTES = TEXT.encode()
ZIP = zipped({"r.csv": BYTES})
DATE = "YYYY-MM-DD of 1881 to 2058, perhaps with a time and a zone"
CASES = {
    # what the file is
    "empty": (b"", ": empty file; expected user in who, item in what, rating in stars, date in day"),
    "blank lines alone": (b"\n\n", ": empty file; expected user in who, item in what, rating in stars, date in day"),
    "head alone": (lines(), ": no ratings found; expected at least one"),
    "binary": (b"ab\0\1\2\3" * 99, ": has NUL bytes, as UTF-16 and binary files have; expected text, or say enc"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), ": has NUL bytes, as UTF-16 and binary files have; expected"),
    "UTF-16 cut": (TEXT.encode("utf-16")[:-1], ": truncated data; expected text in utf-16"),
    "latin-1": (TEXT.replace("1,x", "é,x").encode("latin-1"), ":3: byte 0xe9 is not UTF-8; expected UTF-8, or say"),
    "gzip cut": (gzip.compress(BYTES)[:-6], ": the gzip file ends in the middle; expected its end mark"),
    "gzip flipped": (flipped(gzip.compress(BYTES), 25), ": damaged gzip file (Error -3 while decompressing data: "),
    "bzip2 cut": (bz2.compress(BYTES)[:-6], ": damaged bzip2 file (Compressed file ended before the end-of-stream"),
    "xz cut": (lzma.compress(BYTES)[:-30], ": damaged xz file (Compressed file ended before the end-of-stream"),
    "zstd cut": (zstd(BYTES)[:-6], ": damaged zstd file (Truncated compressed stream)"),
    "zip cut": (ZIP[:-10], ": truncated or damaged zip file (File is not a zip file)"),
    "zip flipped": (flipped(ZIP, 45), ":r.csv: damaged zip file ("),
    "zip with a password": (header_changed(ZIP, 6, 1), ": asks for a password; expected a zip file without one"),
    "zip of deflate64": (header_changed(ZIP, 8, 9), ": cannot be unpacked (That compression method is not supported)"),
    "zip of two": (zipped({"a.csv": BYTES, "b": b""}), ": 2 files inside (a.csv, b); expected one, with the table"),
    "zip of nothing": (zipped({}), ": no file inside; expected one, with the table"),
    "packed too often": (gzip.compress(gzip.compress(gzip.compress(b""))), ": packed more than 3 times; expected a ta"),
    # columns
    "no such column": (BYTES.replace(b"who", b"whom"), ":1: no column who; found day, stars, what, whom, other"),
    "wrong delimiter": (BYTES.replace(b",", b";"), ":1: no column who, what, stars, day; found day;stars;what;who;oth"),
    "column twice": (BYTES.replace(b"other", b"who"), ":1: column who more than once; found day, stars, what, who, w"),
    "a break in a name": (b'"w\nho",stars\n1,2\n', ":1: no column who, what, day; found 'w\\nho', stars"),
    "few fields": (BYTES + b"1,2\n", ":5: 2 fields in '1,2'; expected 5, as on line 1"),
    "many fields": (BYTES + b"1,2,3,4,5,6\n", ":5: 6 fields in '1,2,3,4,5,6'; expected 5, as on line 1"),
    "quote left open": (lines('2005-01-01,3,"a,1', "2005-01-01,4,4,4"), ":2: 3 fields in "),
    # values, and the lines that an editor counts
    "no user": (lines("2005-01-01,3,1,2", "2005-01-01,3,1,"), ":3: no user; expected a value in every row"),
    "no date": (lines(",3,1,2"), ":2: no date; expected a value in every row"),
    "rating of a word": (lines("2005-01-01,five,1,2"), ":2: rating 'five'; expected a finite number"),
    "after a blank line": (lines("", "2005-01-01,five,1,2"), ":3: rating 'five'; expected a finite number"),
    "after a break in quotes": (lines('2005-01-01,3,"a\nb",1', "2005-01-01,x,1,2"), ":4: rating 'x'; expected a fini"),
    "old line ends": (lines("2005-01-01,3,1,1", "2005-01-01,x,1,2").replace(b"\n", b"\r"), ":3: rating 'x'; expecte"),
    "new line ends": (lines("2005-01-01,3,1,1", "2005-01-01,x,1,2").replace(b"\n", b"\r\n"), ":3: rating 'x'; expect"),
    "a long word": (lines(f"2005-01-01,{'x' * 9999},1,2"), f":2: rating '{'x' * 59}…; expected a finite number"),
    "decimal comma": (lines('2005-01-01,"4,5",1,2'), ":2: rating '4,5'; expected a finite number; for 4,5 say decima"),
    "infinite": (lines("2005-01-01,-inf,1,2"), ":2: rating '-inf'; expected a finite number"),
    "not a number": (lines("2005-01-01,nan,1,2"), ":2: rating 'nan'; expected a finite number"),
    "too large": (lines("2005-01-01,1e39,1,2"), ":2: rating '1e39'; expected a finite number"),
    "zero": (lines("2005-01-01,0.0,Heat,zoë"), ":2: rating 0 of user 'zoë' for item 'Heat'; expected another number,"),
    "repeated": (
        lines("2005-01-01,3,Heat,zo", "", "2005-01-01,3,Heat,adam", "2005-01-01,3,Heat,zo"),
        ":5: user 'zo' rates item 'Heat' again, after line 2; expected one rating a user and item, or say repeated: l",
    ),
    "no such day": (lines("2005-02-31,3,1,2"), f":2: date '2005-02-31'; expected {DATE}"),
    "day first": (lines("31.01.2005,3,1,2"), f":2: date '31.01.2005'; expected {DATE}"),
    "a number as a date": (lines("1112486027,3,1,2"), f":2: date '1112486027'; expected {DATE}; a column of unix time"),
    "1066": (lines("1066-10-14,3,1,2"), f":2: date '1066-10-14'; expected {DATE}"),
    "99999": (lines("99999-10-14,3,1,2"), f":2: date '99999-10-14'; expected {DATE}"),
    # Parquet
    "Parquet cut": (parquet()[:-9], ": damaged Parquet file (Parquet magic bytes not found in footer."),
    "Parquet flipped": (flipped(parquet(), len(parquet()) - 60), ": damaged Parquet file ("),
    "Parquet's columns": (parquet().replace(b"who", b"whx"), ": no column who; found whx, what, stars, day"),
    "nothing": (parquet(who=pa.nulls(2)), ": column who has no values; expected a user in every row"),
    "null": (parquet(who=pa.array([1, None])), ": row 2: no user; expected a value in every row"),
    "NaN for null": (parquet(stars=[1.0, float("nan")]), ": row 2: no rating; expected a value in every row"),
    "infinite float": (parquet(stars=[1.0, float("inf")]), ": row 2: rating inf; expected a finite number"),
    "text": (parquet(stars=["1.5", "x"]), ": row 2: rating 'x'; expected a finite number"),
    "lists": (parquet(who=[[1], [2]]), ": column who is of list<element: int64>; expected text or numbers"),
    "bytes": (parquet(what=[b"a", b"b"]), ": column what is of binary; expected text or numbers"),
    "true": (parquet(stars=[True, False]), ": column stars is of bool; expected numbers"),
    "a time of the day": (
        parquet(day=pa.array([1, 2], pa.time32("s"))),
        ": column day is of time32[ms]; expected dates",
    ),
    "days as numbers": (parquet(day=[12_000, 12_001]), f": row 1: date '12000'; expected {DATE}"),
    "days with fractions": (parquet(day=[12_000.5, 1.0]), f": row 1: date '12000.5'; expected {DATE}"),
    "a far day": (parquet(day=pa.array([1, 10**6], pa.date32())), ": row 2: date 4707-11-29; expected a time of 1881 "),
    "repeated in Parquet": (parquet(who=[1, 1], what=[1, 1]), ": row 2: user '1' rates item '1' again, after row 1; "),
}
TIMES = {
    "a word": (lines("x,3,1,2"), f":2: timestamp 'x'; expected a unix time or {DATE}"),
    "an exponent": (lines("1112486027,3,1,2", "1.1e9,3,1,3"), ":3: timestamp '1.1e9'; expected a unix time"),
    "a date among numbers": (lines("1112486027,3,1,2", "2005-01-31,3,1,3"), ":3: timestamp '2005-01-31'; expected a u"),
    "a number among dates": (lines("2005-01-31,3,1,2", "1112486027,3,1,3"), ":3: timestamp '1112486027'; expected a"),
    "two units": (
        lines("1112486027000,3,1,2", "1112486027,3,1,3"),
        ":3: timestamp '1112486027'; expected milliseconds since 1970, as '1112486027000' on line 2",
    ),
    "no unit": (lines("5112486027000000000,3,1,2"), ":2: timestamp '5112486027000000000'; expected a unix time before"),
    "before all": (lines("-511248602700,3,1,2"), ":2: timestamp '-511248602700'; expected a time of 1881 to 2058"),
    "unsigned": (parquet(day=pa.array([2**63, 1], pa.uint64())), ": row 1: timestamp 9223372036854775808; expected a"),
    "endless": (parquet(day=[1.0, float("inf")]), ": row 2: timestamp inf; expected a unix time before 2059"),
    "a duration": (parquet(day=pa.array([1, 2], pa.duration("s"))), ": column day is of duration[s]; expected unix ti"),
}


def message_of(path: Path, columns: dict, **options: object) -> str:
    with pytest.raises(InputError) as error:
        delimited.read(path, CsvSource(source="csv", path="here", columns=columns, **options))
    return str(error.value)


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_in_one_line(case: str, tmp_path: Path) -> None:
    content, expected = CASES[case]
    path = tmp_path / "r.bin"  # the name tells nothing
    path.write_bytes(content)
    message = message_of(path, DATED)
    assert message.startswith(f"{path}{expected}") and message.isprintable()


@pytest.mark.parametrize("case", TIMES)
def test_times_are_told_in_one_line(case: str, tmp_path: Path) -> None:
    content, expected = TIMES[case]
    path = tmp_path / "r.bin"
    path.write_bytes(content)
    message = message_of(path, TIMED)
    assert message.startswith(f"{path}{expected}") and message.isprintable()


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (lines("2005-01-01,0,1,2"), {"zero": "drop"}, ": every rating is 0, which means 'not rated'; expected other n"),
        (
            lines("2005-01-01,-2.5,1,2", "2005-01-01,5,1,3", "2005-01-01,0,1,4"),
            {"zero": "drop"},
            ":4: rating 0, where ratings run from -2.5 to 5; expected a scale that does not cross 0, which zero: drop",
        ),
        (
            lines("2005-01-01,0,1,2", "2005-01-01,3,1,3", "2005-01-01,3,1,3"),
            {"zero": "drop"},  # rows that were left out are counted all the same
            ":4: user '3' rates item '1' again, after line 3;",
        ),
        (lines('2005-01-01,"4.5",1,2'), {"decimal": ","}, ":2: rating '4.5'; expected a finite number; for 4.5 say de"),
        (TEXT.replace("x", "é").encode(), {"encoding": "ascii"}, ": ordinal not in range(128); expected text in ascii"),
        (b"a\x1fb::1::2::3\n", {"delimiter": "::"}, ": has the character U+001F; expected none beside '::'"),
        (
            b"1,2,3\n",
            {"header": False, "columns": {**DATED, "user": 3}},
            ":1: no column 3, what, stars, day; found 0 t",
        ),
    ],
)
def test_settings_are_told_in_one_line(content: bytes, options: dict, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "r.bin"
    path.write_bytes(content)
    columns = options.pop("columns", DATED)
    assert message_of(path, columns, **options).startswith(f"{path}{expected}")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    assert message_of(tmp_path, DATED) == f"{tmp_path}: a folder; expected a file with a table"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    source = CsvSource(source="csv", path=str(tmp_path / "pipe"), columns=DATED)
    with pytest.raises(InputError, match=r"path '.*/pipe': a pipe or a device; expected a file or a folder"):
        download_ratings(source, tmp_path / "manifest.json")
