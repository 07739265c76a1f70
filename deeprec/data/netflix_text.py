"""The text of Netflix's movie files, a rating a line, parsed in large blocks into typed columns."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from deeprec.data.archives import arrow_buffer
from deeprec.runtime.files import InputError

BLOCK_BYTES = 64 << 20  # bytes
FIRST_DATE, LAST_DATE = date(1999, 11, 11), date(2005, 12, 31)  # of the prize's training set
LAST_USER = 2_649_429
LINE = re.compile(rb"(\d+),(\d+),(\d{4}-\d{2}-\d{2})")
COLUMNS = {"user": pa.int32(), "rating": pa.int8(), "date": pa.date32()}


@dataclass(frozen=True)
class Piece:
    """Ratings of one movie, from one file: `CustomerID,Rating,YYYY-MM-DD` a line."""

    item: int
    file: str
    line: int  # of the first rating in the file, from 1
    text: bytes

    def __post_init__(self) -> None:
        if not self.text.endswith(b"\n"):
            object.__setattr__(self, "text", self.text + b"\n")
        object.__setattr__(self, "n_lines", self.text.count(b"\n"))

    n_lines: int = field(init=False, default=0)


@dataclass
class Columns:
    """Ratings by movie, in the order of arrival: 7 bytes a rating, and the movies' counts."""

    items: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    users: list[np.ndarray] = field(default_factory=list)  # int32
    ratings: list[np.ndarray] = field(default_factory=list)  # int8, stars
    days: list[np.ndarray] = field(default_factory=list)  # int16, since 1970-01-01

    def append(self, block: list[Piece]) -> None:
        """Parse a block of pieces and keep its ratings."""
        user, rating, day = parse_block(block)
        self.items += [piece.item for piece in block]
        self.counts += [piece.n_lines for piece in block]
        self.users.append(user)
        self.ratings.append(rating)
        self.days.append(day)

    def item_column(self) -> np.ndarray:
        """Return the movie of every rating, (n_ratings,) int32."""
        return np.repeat(np.array(self.items, np.int32), self.counts)


def take(chunks: list[np.ndarray]) -> np.ndarray:
    """Join chunks into one array and empty the list, so that they do not linger beside it."""
    joined = np.concatenate(chunks) if chunks else np.empty(0, np.int32)
    chunks.clear()
    return joined


def blocks(pieces: Iterable[Piece], size: int = BLOCK_BYTES) -> Iterator[list[Piece]]:
    """Gather pieces until they hold `size` bytes."""
    block: list[Piece] = []
    held = 0
    for piece in pieces:
        block.append(piece)
        held += len(piece.text)
        if held >= size:
            yield block
            block, held = [], 0
    if block:
        yield block


def parse_block(block: list[Piece]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return user (int32), rating (int8, stars) and day (int16, since 1970-01-01) of every line of a block.

    Raises InputError naming the file, the line and what is wrong with it.
    """
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(arrow_buffer([piece.text for piece in block])),
            read_options=pa.csv.ReadOptions(column_names=list(COLUMNS), block_size=4 << 20),
            parse_options=pa.csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=pa.csv.ConvertOptions(column_types=COLUMNS, null_values=[]),
        )
    except pa.ArrowInvalid as error:
        raise _first_fault(block, str(error)) from error
    if table.num_rows != sum(piece.n_lines for piece in block) or not _in_range(table):
        raise _first_fault(block, f"{table.num_rows:,} ratings")
    user, rating, day = (
        column.to_numpy() for column in (table["user"], table["rating"], table["date"].cast(pa.int32()))
    )
    return user, rating, day.astype(np.int16)


def _in_range(table: pa.Table) -> bool:
    allowed = {"user": (1, LAST_USER), "rating": (1, 5), "date": (FIRST_DATE, LAST_DATE)}
    for name, (least, most) in allowed.items():
        found = pc.min_max(table[name]).as_py()
        if not least <= found["min"] <= found["max"] <= most:
            return False
    return True


def _first_fault(block: list[Piece], reason: str) -> InputError:
    """Go through a block line by line, and say which is the first bad one."""
    for piece in block:
        for number, line in enumerate(piece.text.split(b"\n")[:-1], piece.line):
            fault = _fault(line.removesuffix(b"\r"))
            if fault:
                return InputError(f"{piece.file}:{number}: {fault}")
    return InputError(f"{block[0].file} to {block[-1].file}: {reason}; expected 'CustomerID,Rating,YYYY-MM-DD' a line")


def _fault(line: bytes) -> str | None:
    """Say what is wrong with a line, None where nothing is."""
    match = LINE.fullmatch(line)
    if not match:
        return f"{line[:80].decode('latin-1')!r}; expected 'CustomerID,Rating,YYYY-MM-DD'"
    user, rating, day = (part.decode() for part in match.groups())
    if not 1 <= int(user) <= LAST_USER:
        return f"customer {user}; expected 1 to {LAST_USER}"
    if rating not in ("1", "2", "3", "4", "5"):
        return f"rating {rating}; expected 1 to 5"
    try:
        known = FIRST_DATE <= date.fromisoformat(day) <= LAST_DATE
    except ValueError as error:
        return f"date {day}: {error}; expected a day of the calendar"
    return None if known else f"date {day}; expected {FIRST_DATE} to {LAST_DATE}"


def lines_of(pieces: Iterable[Piece], user: int, item: int) -> list[str]:
    """Return `file:line` of every rating by `user` for `item`."""
    start = b"%d," % user
    return [
        f"{piece.file}:{number}"
        for piece in pieces
        if piece.item == item
        for number, line in enumerate(piece.text.split(b"\n"), piece.line)
        if line.startswith(start)
    ]
