"""Delimited text, in any encoding and with a delimiter of any length, read into columns of text."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.csv

from deeprec.data.columns import TEXT, RawColumns
from deeprec.data.unpacked import Stream
from deeprec.runtime.files import InputError

BLOCK = 1 << 20  # bytes
WIDEST = 200  # characters of a file's own words in a message
BYTE_ORDER_MARKS = {
    **dict.fromkeys((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-32"),  # before the marks that they begin with
    **dict.fromkeys((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16"),
}
TYPES = {**dict.fromkeys(("user", "item", "rating", "date"), TEXT), "timestamp": pa.string()}  # times hardly repeat
SEPARATOR = "\x1f"  # Unicode's own: stands for a delimiter of several characters, since Arrow takes one alone
Opener = Callable[[], AbstractContextManager[tuple[str, Stream]]]


@dataclass(frozen=True)
class TextTable:
    """A file of delimited text: a record a line, but for line breaks in quotes. `opened` opens it anew."""

    opened: Opener
    delimiter: str = ","
    header: bool = True
    encoding: str | None = None  # by its byte order mark where absent, else UTF-8

    def read(self, columns: dict[str, str | int]) -> RawColumns:
        """Read columns, given by name, or by number from 0 where no name is like it.

        Raises InputError naming the line that does not fit, what it holds and what was expected.
        """
        names = self._named(columns)
        with self.opened() as (name, file):
            stream = self._utf8(name, file)
            try:
                table = pa.csv.read_csv(
                    stream,
                    pa.csv.ReadOptions(autogenerate_column_names=not self.header, block_size=4 * BLOCK),
                    pa.csv.ParseOptions(delimiter=self._mark, newlines_in_values=True),
                    pa.csv.ConvertOptions(
                        column_types={column: TYPES[key] for key, column in names.items()},
                        include_columns=list(names.values()),
                        null_values=[""],
                        strings_can_be_null=True,
                    ),
                )
            except (pa.ArrowException, OSError) as error:
                raise self._first_fault(name, columns, error) from error
        return RawColumns(table.rename_columns(list(names)), name, self._line)

    @property
    def _mark(self) -> str:
        return self.delimiter if len(self.delimiter) == 1 else SEPARATOR

    def _utf8(self, name: str, file: Stream) -> Stream:
        """Return the text as UTF-8, its delimiter a single character."""
        start = file.peek(4)
        encoding = self.encoding or next((e for mark, e in BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")
        if encoding == "utf-8" and b"\0" in start:
            raise InputError(
                f"{name}: has NUL bytes, as UTF-16 and binary files have; expected text, or say encoding: utf-16-le"
            )
        if codecs.lookup(encoding).name == "utf-8" and self._mark == self.delimiter:
            return file
        return io.BufferedReader(_Utf8(file, name, encoding, self.delimiter), BLOCK)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with its first line, as Python reads them; empty lines are none."""
        with self.opened() as (name, file):
            line = 1
            text = io.TextIOWrapper(self._utf8(name, file), "utf-8-sig", errors="surrogateescape", newline="")
            records = csv.reader(_checked_lines(text, name), delimiter=self._mark)
            try:
                for record in records:
                    if record:
                        yield line, record
                    line = records.line_num + 1
            except csv.Error as error:
                raise InputError(f"{name}:{line}: {error}; expected fields with '{self.delimiter}' between") from error

    def _line(self, row: int) -> int:
        # Where Python sees other records than Arrow, which cuts quotes at odd places elsewhere, the row must do.
        return next(islice(self._records(), row + self.header, None), (row + 1 + self.header, []))[0]

    def _named(self, columns: dict[str, str | int]) -> dict[str, str]:
        """Return what Arrow calls the columns; raise InputError where one is not in the first line."""
        with self.opened() as (name, _):
            first = next(self._records(), None)
        if first is None:
            raise InputError(f"{name}: empty file; expected {_wanted(columns)}")
        place, found = f"{name}:{first[0]}", first[1]
        if not self.header:
            if missing := [str(n) for n in columns.values() if not str(n).isdigit() or int(n) >= len(found)]:
                raise InputError(f"{place}: no column {', '.join(missing)}; found 0 to {len(found) - 1}")
            return {key: f"f{number}" for key, number in columns.items()}
        names = {key: column_name(column, found) for key, column in columns.items()}
        check_names(place, list(names.values()), found)
        return names

    def _first_fault(self, name: str, columns: dict[str, str | int], error: Exception) -> InputError:
        """Go through the file record by record, and say which is the first that has not the first one's fields."""
        begin = None
        for line, record in self._records():
            begin = begin or (line, len(record))
            if len(record) != begin[1]:
                found = f"{len(record)} fields in {self.delimiter.join(record)[:60]!r}"
                return InputError(f"{name}:{line}: {found}; expected {begin[1]}, as on line {begin[0]}")
        words = str(error).splitlines()[0][:WIDEST]
        return InputError(f"{name}: {words}; expected {_wanted(columns)}")


def column_name(column: str | int, found: list[str]) -> str:
    """Return the name of a column that is given by its name or number."""
    by_number = isinstance(column, int) and str(column) not in found and 0 <= column < len(found)
    return found[int(column)] if by_number else str(column)


def check_names(place: str, wanted: list[str], found: list[str]) -> None:
    """Raise InputError where a column is not there, or twice."""
    some = ", ".join(name if name.isprintable() else repr(name) for name in found[:20])
    shown = some if len(some) <= WIDEST and len(found) <= 20 else some[:WIDEST] + ", …"
    if missing := [name for name in wanted if name not in found]:
        raise InputError(f"{place}: no column {', '.join(missing)}; found {shown}")
    if twice := [name for name in wanted if found.count(name) > 1]:
        raise InputError(f"{place}: column {twice[0]} more than once; found {shown}")


def _wanted(columns: dict[str, str | int]) -> str:
    return ", ".join(f"{key} in {column}" for key, column in columns.items())


def _checked_lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    for number, line in enumerate(text, 1):
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            raise InputError(
                f"{name}:{number}: byte 0x{byte:02x} is not UTF-8; expected UTF-8, or say the file's encoding, "
                "such as encoding: latin-1"
            ) from error
        yield line


class _Utf8(io.RawIOBase):
    """Text of any encoding as UTF-8; a delimiter of several characters becomes `SEPARATOR`."""

    def __init__(self, inner: Stream, name: str, encoding: str, delimiter: str) -> None:
        self._inner, self._name, self._encoding = inner, name, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if _is_utf8(encoding) else "strict")
        self._delimiter = delimiter if len(delimiter) > 1 else ""
        self._kept, self._ready, self._ended = "", b"", False

    def readable(self) -> bool:
        """Say that this can be read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what is ready, and make more ready where nothing is; 0 at the end."""
        while not self._ready and not self._ended:
            self._ready = self._next()
        data, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _next(self) -> bytes:
        data = self._inner.read(BLOCK)
        self._ended = not data
        try:
            text = self._kept + self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise InputError(f"{self._name}: {error.reason}; expected text in {self._encoding}") from error
        self._kept = ""
        if self._delimiter:
            if SEPARATOR in text:
                raise InputError(f"{self._name}: has the character U+001F; expected none beside '{self._delimiter}'")
            *whole, last = text.split(self._delimiter)
            # A delimiter may be cut in two by the block's end.
            cut = len(last) if self._ended else max(len(last) - len(self._delimiter) + 1, 0)
            self._kept = last[cut:]
            text = SEPARATOR.join([*whole, last[:cut]])
        return text.encode(errors="surrogateescape")


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
