"""The Netflix Prize data set in all its forms: the archive, its parts unpacked, and Kaggle's copy."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa
from tqdm import tqdm

from deeprec.data.archives import File, ahead, files_in
from deeprec.data.netflix_text import BLOCK_BYTES, Columns, Piece, blocks, lines_of, take
from deeprec.data.ratings import RepeatedRating, SourceTables, ratings_table
from deeprec.runtime.files import InputError
from deeprec.settings.sources import NetflixSource, Source

log = logging.getLogger(__name__)

MOVIE_FILE = re.compile(r"mv_(\d{7})\.txt")
KAGGLE_FILE = re.compile(r"combined_data_(\d)\.txt")
KAGGLE_PARTS = {1, 2, 3, 4}
TITLES = ("movie_titles.txt", "movie_titles.csv")
HEADER = re.compile(rb"(\d{1,7}):")
TITLE = re.compile(r"([0-9]{1,7}),(NULL|[0-9]{4}),(.*)")
Titles = dict[int, tuple[str, int | None]]


def read(path: Path, source: Source) -> SourceTables:
    """Read ratings and items from any of the forms; all give the same tables.

    `path` is nf_prize_dataset.tar.gz, the folder it unpacks to, a folder of movie files, training_set.tar, or
    Kaggle's files in a folder or a zip, or a single file of ratings; some movies are missing only where `partial` is
    said. The archive's decompression runs in a thread beside the parsing. Raises InputError naming the file and line
    that does not fit.
    """
    collection, columns = _Collection(path), Columns()
    parsed = ahead(blocks(collection.pieces()))
    for block in tqdm(parsed, desc=f"{path.name}, blocks of {BLOCK_BYTES >> 20} MB", disable=None):
        columns.append(block)
    collection.check(partial=isinstance(source, NetflixSource) and source.partial)
    try:
        ratings = ratings_table(
            take(columns.users),
            columns.item_column(),
            take(columns.ratings),
            take(columns.days),
            origin=str(path),
        )
    except RepeatedRating as error:
        where = lines_of(_Collection(path).pieces(), error.user_id, error.item_id)
        raise InputError(f"{error}: {', '.join(where)}") from error
    return SourceTables(ratings, _items_table(collection.movies, collection.titles))


@dataclass
class _Collection:
    """What was met on the way through the files of a copy of the data set."""

    path: Path
    titles: Titles = field(default_factory=dict)
    movies: dict[int, str] = field(default_factory=dict)  # movie: its file
    parts: set[int] = field(default_factory=set)  # of Kaggle's files

    def pieces(self) -> Iterator[Piece]:
        """Yield the ratings, movie by movie."""
        for name, stream in _files(self.path):
            base = name.rpartition(":")[2].rpartition("/")[2]
            if match := MOVIE_FILE.fullmatch(base):
                yield self._movie_piece(name, stream.read(), int(match[1]))
            elif match := KAGGLE_FILE.fullmatch(base):
                self.parts.add(int(match[1]))
                yield from self._kaggle_pieces(name, stream)
            elif base in TITLES:
                self.titles = read_titles(name, stream.read())

    def _movie_piece(self, name: str, text: bytes, movie: int) -> Piece:
        header, _, ratings = text.partition(b"\n")
        if not text:
            raise InputError(f"{name}: empty file; expected '{movie}:' and ratings")
        if header.rstrip(b"\r") != b"%d:" % movie:
            raise InputError(
                f"{name}:1: header {header[:40].decode('latin-1')!r}; expected '{movie}:' by the file's name"
            )
        if not ratings.strip():
            raise InputError(f"{name}:2: no ratings of movie {movie}; expected at least one")
        self._add(movie, name)
        return Piece(movie, name, 2, ratings)

    def _add(self, movie: int, name: str) -> None:
        if movie in self.movies:
            raise InputError(f"{name}: movie {movie} again, after {self.movies[movie]}; expected one file a movie")
        self.movies[movie] = name

    def _kaggle_pieces(self, name: str, stream: IO[bytes]) -> Iterator[Piece]:
        """Cut a file of many movies at its `MOVIEID:` lines, reading a block at a time."""
        movie, line, fault = None, 1, f"{name}: empty file; expected 'MovieID:' and ratings"
        for text in _whole_lines(stream):
            for section, first, ratings in _sections(name, text, line, movie):
                movie = section
                if ratings:
                    fault = ""
                    yield Piece(movie, name, first, ratings)
                elif fault and first > 2:
                    raise InputError(fault)
                else:
                    self._add(movie, f"{name}:{first - 1}")
                    fault = f"{name}:{first}: no ratings of movie {movie}; expected at least one"
            line += text.count(b"\n")
        if fault:
            raise InputError(fault)

    def check(self, *, partial: bool) -> None:
        """Raise InputError where a movie has no title, or where a movie or file is missing, unless that is meant."""
        if not self.movies:
            raise InputError(
                f"{self.path}: no mv_NNNNNNN.txt or combined_data_N.txt inside; expected Netflix's ratings"
            )
        if self.parts and self.parts != KAGGLE_PARTS and not partial:
            missing = ", ".join(f"combined_data_{part}.txt" for part in sorted(KAGGLE_PARTS - self.parts))
            parts = "combined_data_1.txt to combined_data_4.txt, or say partial: true"
            raise InputError(f"{self.path}: {missing} missing; expected {parts}")
        self.titles = self.titles or _titles_beside(self.path)
        expected = set(self.titles) or set(range(1, max(self.movies) + 1))
        if (unrated := sorted(expected - set(self.movies))) and not partial:
            raise InputError(
                f"{self.path}: no ratings of movie {_some(unrated)}; expected a file for each of {len(expected):,} "
                f"movies, found {len(self.movies):,}; or say partial: true"
            )
        if extra := sorted(set(self.movies) - expected):
            raise InputError(f"{self.movies[extra[0]]}: no title for movie {_some(extra)}; expected {len(expected):,}")


def _files(path: Path) -> Iterator[File]:
    """Yield the files of an archive or a folder, or a single file of ratings as it lies there."""
    if path.is_file() and (KAGGLE_FILE.fullmatch(path.name) or MOVIE_FILE.fullmatch(path.name)):
        with path.open("rb") as stream:
            yield str(path), stream
    else:
        yield from files_in(path)


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in blocks that end where a line does."""
    rest = b""
    while data := stream.read(BLOCK_BYTES):
        text = rest + data
        end = text.rfind(b"\n") + 1
        rest = text[end:]
        if end:
            yield text[:end]
    if rest:
        yield rest + b"\n"


def _sections(name: str, text: bytes, line: int, movie: int | None) -> Iterator[tuple[int, int, bytes]]:
    """Yield movie, line of its first rating and ratings, which are empty where the movie begins.

    `movie` is the one that goes on from the text before.
    """
    start = 0
    while start < len(text):
        colon = text.find(b":", start)
        header = text.rfind(b"\n", 0, colon) + 1 if colon >= 0 else len(text)
        if header > start:
            if movie is None:
                raise InputError(f"{name}:{line}: {text[start : start + 40]!r}; expected 'MovieID:' first")
            yield movie, line, text[start:header]
            line += text.count(b"\n", start, header)
        if colon < 0:
            return
        start = text.find(b"\n", colon) + 1
        match = HEADER.fullmatch(text[header:start].rstrip())
        if not match:
            found = text[header:start].decode("latin-1").strip()[:80]
            raise InputError(f"{name}:{line}: {found!r}; expected 'MovieID:' or a rating")
        movie, line = int(match[1]), line + 1
        yield movie, line, b""


def _some(movies: list[int]) -> str:
    return ", ".join(map(str, movies[:5])) + (f" and {len(movies) - 5:,} more" if len(movies) > 5 else "")


def _titles_beside(path: Path) -> Titles:
    for name in TITLES:
        beside = path.parent / name
        if beside.is_file():
            return read_titles(str(beside), beside.read_bytes())
    log.warning("%s: no movie_titles.txt inside or beside; titles stay unknown", path)
    return {}


def read_titles(name: str, text: bytes) -> Titles:
    """Read `MovieID,YearOfRelease,Title` lines in latin-1; a year may be NULL, a title may hold commas."""
    titles: Titles = {}
    for number, line in enumerate(text.decode("latin-1").split("\n"), 1):
        if not line.strip():
            continue
        match = TITLE.fullmatch(line.rstrip("\r"))
        if not match:
            raise InputError(f"{name}:{number}: {line[:80]!r}; expected 'MovieID,YearOfRelease,Title'")
        movie, year, title = int(match[1]), match[2], match[3]
        if movie in titles:
            raise InputError(f"{name}:{number}: movie {movie} again; expected one title a movie")
        titles[movie] = title, None if year == "NULL" else int(year)
    return titles


def _items_table(movies: dict[int, str], titles: Titles) -> pa.Table:
    """Return `item_id`, `title`, `year`, by item; null where unknown."""
    ids = sorted(movies)
    known = [titles.get(movie, (None, None)) for movie in ids]
    return pa.table(
        {
            "item_id": pa.array(ids, pa.int32()),
            "title": pa.array([title for title, _ in known], pa.string()),
            "year": pa.array([year for _, year in known], pa.int16()),
        }
    )
