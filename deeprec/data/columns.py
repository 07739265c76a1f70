"""The columns of a table of one's own, as the file has them, and how their values are understood."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deeprec.runtime.files import InputError
from deeprec.settings.base import shown

TEXT = pa.dictionary(pa.int32(), pa.string())
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
FLOAT32_MAX = float(np.finfo(np.float32).max)
# What a column's distinct texts mean, and which of them mean nothing.
Parse = Callable[[pa.Array], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class RawColumns:
    """The columns of a file, called `user`, `item`, `rating`, and `date` or `timestamp` whatever the file calls them.

    Each is of text, mostly dictionary-encoded (`TEXT`), or of the numbers, dates or times that a Parquet file has.
    `line` tells on which line of a text, from 1 as an editor counts, a row of the file lies, from 0. `rows` are the
    file's rows of the table's, where some have been left out.
    """

    table: pa.Table
    name: str  # of the file
    line: Callable[[int], int] | None = None
    rows: np.ndarray | None = None

    def where(self, row: int) -> str:
        """Return a row's place in the file: "line 3", or "row 2" where the file has no lines."""
        at = row if self.rows is None else int(self.rows[row])
        return f"line {self.line(at)}" if self.line else f"row {at + 1}"

    def place(self, row: int) -> str:
        """Return a row's place, with the file: "r.csv:3" or "r.parquet: row 2"."""
        where = self.where(row)
        return f"{self.name}:{where.removeprefix('line ')}" if self.line else f"{self.name}: {where}"

    def check_complete(self) -> None:
        """Raise InputError naming the first row without one of the values."""
        for key in self.table.column_names:
            if self.table[key].null_count:
                row = pc.index(pc.is_null(self.table[key]), True).as_py()
                raise InputError(f"{self.place(row)}: no {key}; expected a value in every row")

    def shown(self, key: str, row: int) -> str:
        """Return a value as the file has it."""
        value = self.table[key][row].as_py()
        return shown(value) if isinstance(value, str) else str(value)

    def fault(self, key: str, row: int, expected: str) -> InputError:
        """Return the error that says where a value lies that does not fit, what it is and what was expected."""
        return InputError(f"{self.place(row)}: {key} {self.shown(key, row)}; expected {expected}")

    def without(self, rows: np.ndarray) -> "RawColumns":
        """Return the columns without the rows that a mask marks."""
        kept = np.flatnonzero(~rows)
        return replace(self, table=self.table.take(pa.array(kept)), rows=kept)

    def is_text(self, key: str) -> bool:
        """Say whether a column is text, else numbers, dates or times."""
        kind = self.table[key].type
        return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))

    def parsed(self, key: str, parse: Parse, expected: str | Callable[[str], str]) -> np.ndarray:
        """Return what a column of text means, row by row; raise InputError naming the first row that means nothing.

        Only the distinct texts are looked at, where a column has few. What was `expected` may depend on the text.
        """
        found, start = [np.empty(0)], 0
        for chunk in self.table[key].chunks:
            distinct = pa.types.is_dictionary(chunk.type)
            values, good = parse(chunk.dictionary if distinct else chunk)
            codes = chunk.indices.to_numpy() if distinct else slice(None)
            if not good[codes].all():
                row = start + int(good[codes].argmin())
                wanted = expected if isinstance(expected, str) else expected(self.table[key][row].as_py())
                raise self.fault(key, row, wanted)
            found.append(values[codes])
            start += len(chunk)
        return np.concatenate(found[1:] or found)


def ratings_of(raw: RawColumns, decimal: str) -> np.ndarray:
    """Return the ratings, (n_ratings,) float32; `decimal` is the mark before the fraction in a text."""
    if raw.is_text("rating"):
        other = "," if decimal == "." else "."
        hint = f"a finite number; for 4{other}5 say decimal: '{other}'"
        return raw.parsed(
            "rating",
            lambda texts: _numbers(texts, decimal),
            lambda text: hint if other in text else "a finite number",
        )
    values: np.ndarray = raw.table["rating"].cast(pa.float64(), safe=False).to_numpy()
    good = np.abs(values) <= FLOAT32_MAX
    if not good.all():
        raise raw.fault("rating", int(good.argmin()), "a finite number")
    return values.astype(np.float32)


def _numbers(texts: pa.Array, decimal: str) -> tuple[np.ndarray, np.ndarray]:
    texts = pc.utf8_trim_whitespace(texts)
    if decimal != ".":
        # A point would then part thousands, which no rating has.
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "?"), decimal, ".")
    good = pc.match_substring_regex(texts, NUMBER)
    values = pc.if_else(good, texts, "0").cast(pa.float64()).to_numpy(zero_copy_only=False)
    finite = np.abs(values) <= FLOAT32_MAX
    return np.where(finite, values, 0).astype(np.float32), good.to_numpy(zero_copy_only=False) & finite


def whole_ids_of(raw: RawColumns, key: str) -> np.ndarray:
    """Return ids that are all whole numbers, (n_ratings,) int32."""
    return raw.parsed(key, _whole_ids, "a whole number from 0")


def _whole_ids(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    good = pc.match_substring_regex(texts, r"^\d{1,9}$")
    return pc.if_else(good, texts, "0").cast(pa.int32()).to_numpy(), good.to_numpy(zero_copy_only=False)


def ids_of(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[pa.Array, pa.Array]]:
    """Return an int32 id a row, and all ids with their names, ascending.

    Where all of a column are whole numbers from 0 as one writes them they are kept, else names are numbered from 1 in
    their order.
    """
    whole = column.unify_dictionaries().combine_chunks()
    names, codes = whole.dictionary, whole.indices.to_numpy()
    numbers = _plain_numbers(names)
    if numbers is None:
        order = pc.array_sort_indices(names).to_numpy()
        numbers = np.empty(len(names), np.int32)
        numbers[order] = np.arange(1, len(names) + 1)
    order = np.argsort(numbers)
    return numbers[codes], (pa.array(numbers[order], pa.int32()), names.take(pa.array(order)))


def _plain_numbers(names: pa.Array) -> np.ndarray | None:
    """Return ids as numbers, None where one of them is a name: `007` is not 7, and -1 cannot be an id."""
    try:
        numbers = names.cast(pa.int32())
    except pa.ArrowInvalid:
        return None
    written_so = pc.all(pc.equal(numbers.cast(pa.string()), names)).as_py()
    found: np.ndarray = numbers.to_numpy()
    return found if written_so and found.min(initial=0) >= 0 else None
