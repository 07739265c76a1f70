"""When a rating was made: dates, date-times and unix times, in whatever unit, as days and seconds."""

import logging
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from deeprec.data.columns import RawColumns

log = logging.getLogger(__name__)

SECONDS_A_DAY = 86_400
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}  # a second's
FIRST, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1881, 2059))  # fits int16 days since 1970
OLDEST = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())  # what is finer than seconds may not be before
DATE = "YYYY-MM-DD of 1881 to 2058, perhaps with a time and a zone"
EXPECTED = {"date": f"{DATE}; a column of unix times is a timestamp", "timestamp": f"a unix time or {DATE}"}
DAY_TEXT = r"^(\d{8}|\d{4}([-/])\d{1,2}([-/])\d{1,2})([T ].*)?$"
NUMBER_TEXT = r"^[+-]?\d{1,18}(\.\d*)?$"


def times_of(raw: RawColumns, decimal: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return days since 1970-01-01 (UTC), int32, and seconds, int64, where the file has a column `timestamp`.

    A date-time without a zone is UTC's. Numbers are unix times, whose unit follows from their size. Raises InputError
    naming the first row that does not fit.
    """
    if "date" in raw.table.column_names:
        return _days(_dates(raw, "date")), None
    seconds = _timestamps(raw, decimal)
    return _days(seconds), seconds


def _days(seconds: np.ndarray) -> np.ndarray:
    days: np.ndarray = (seconds // SECONDS_A_DAY).astype(np.int32)
    return days


def _dates(raw: RawColumns, key: str) -> np.ndarray:
    """Return a column of dates or date-times in seconds."""
    if raw.is_text(key):
        return raw.parsed(key, _date_times, EXPECTED[key])
    column = raw.table[key].cast(pa.timestamp("s"), safe=False)
    seconds: np.ndarray = column.cast(pa.int64()).to_numpy()
    return _in_range(raw, key, seconds)


def _in_range(raw: RawColumns, key: str, seconds: np.ndarray) -> np.ndarray:
    good = (seconds >= FIRST) & (seconds < END)
    if not good.all():
        raise raw.fault(key, int(good.argmin()), "a time of 1881 to 2058")
    return seconds


def _date_times(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return dates and date-times in seconds since 1970-01-01, and which are none."""
    good = pc.match_substring_regex(pc.utf8_trim_whitespace(texts), DAY_TEXT)
    stripped = pc.utf8_trim_whitespace(pc.if_else(good, texts, "")).to_pandas()
    found = pd.to_datetime(stripped, format="ISO8601", utc=True, errors="coerce")
    seconds = found.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return seconds, found.notna().to_numpy() & (seconds >= FIRST) & (seconds < END)


def _timestamps(raw: RawColumns, decimal: str) -> np.ndarray:
    """Return a column of unix times, or of date-times, in seconds."""
    column = raw.table["timestamp"]
    if not raw.is_text("timestamp"):
        return _dates(raw, "timestamp") if pa.types.is_temporal(column.type) else seconds_of(raw, _whole(column))
    if not len(column) or not _is_number(column[0].as_py(), decimal):
        return _dates(raw, "timestamp")
    return seconds_of(raw, raw.parsed("timestamp", lambda texts: _whole_numbers(texts, decimal), "a unix time"))


def _is_number(text: str, decimal: str) -> bool:
    return bool(_whole_numbers(pa.array([text]), decimal)[1][0])


def _whole_numbers(texts: pa.Array, decimal: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        return texts.cast(pa.int64()).to_numpy(), np.ones(len(texts), bool)
    except pa.ArrowInvalid:  # one of them at least has a fraction, or is no number
        texts = pc.replace_substring(pc.utf8_trim_whitespace(texts), decimal, ".")
    good = pc.match_substring_regex(texts, NUMBER_TEXT)
    whole = pc.replace_substring_regex(pc.if_else(good, texts, "0"), r"\..*$|^\+", "")
    return whole.cast(pa.int64()).to_numpy(), good.to_numpy(zero_copy_only=False)


def _whole(column: pa.ChunkedArray) -> np.ndarray:
    """Return numbers without their fractions; what is beyond 64 bits as the largest there is."""
    if pa.types.is_integer(column.type) and column.type != pa.uint64():
        whole: np.ndarray = column.cast(pa.int64()).to_numpy()
        return whole
    most = 2.0**62
    floor: np.ndarray = np.floor(np.clip(column.cast(pa.float64(), safe=False).to_numpy(), -most, most)).astype(
        np.int64
    )
    return floor


def seconds_of(raw: RawColumns, times: np.ndarray) -> np.ndarray:
    """Return unix times in seconds; their unit is the one that puts the latest before 2059."""
    latest = int(times.max(initial=0))
    unit = next((unit for unit, n in UNITS.items() if latest < END * n), None)
    if unit is None:
        raise raw.fault("timestamp", int(times.argmax()), "a unix time before 2059, in seconds or down to nanoseconds")
    seconds = times // UNITS[unit]
    if unit != "seconds":
        if (seconds < OLDEST).any():
            row, others = int((seconds < OLDEST).argmax()), raw.shown("timestamp", int(times.argmax()))
            raise raw.fault("timestamp", row, f"{unit} since 1970, as {others} on {raw.where(int(times.argmax()))}")
        day = datetime.fromtimestamp(int(seconds[0]), UTC).date()
        log.warning("%s: timestamps are taken as %s since 1970: the first is of %s", raw.place(0), unit, day)
    return _in_range(raw, "timestamp", seconds)
