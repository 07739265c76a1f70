"""Simulated ratings, written as an archive in Netflix's exact raw layout."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deeprec.data.archives import ahead
from deeprec.data.netflix_text import FIRST_DATE
from deeprec.data.world import N_DAYS, MovieRatings, NoiseFloor, Size, World
from deeprec.runtime.files import replacing, write_json
from deeprec.settings.sources import SimulatedSource

LEVEL = 1  # of gzip: a third of the size, at 60 MB/s; the best level takes six times longer for a fifth less


def simulate_ratings(source: SimulatedSource, archive: Path, truth: Path) -> None:
    """Write `download/movie_titles.txt` and `download/training_set.tar` as a .tar.gz, and their truth.

    Same size and seed, same bytes. The text (21 bytes a rating) lies on the disk while it is compressed;
    memory holds the users and one movie's ratings. `truth` is a JSON file with the noise floor.
    """
    size = Size(source.n_ratings, source.n_users, source.n_items, source.noise, source.seed)
    world, floor = World(size), NoiseFloor(size.noise)
    with replacing(archive) as beside:
        training_set = beside.with_suffix(".tar")
        try:
            _write_training_set(world, floor, training_set)
            with _open_archive(beside) as outer:
                _add(outer, "download/movie_titles.txt", _titles(size.n_items).encode("latin-1"))
                outer.add(training_set, "download/training_set.tar", filter=_plain)
        finally:
            training_set.unlink(missing_ok=True)
    write_json(truth, _truth(size, floor))


@contextmanager
def _open_archive(path: Path) -> Iterator[tarfile.TarFile]:
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as zipped,
        tarfile.open(  # type: ignore[call-overload]  # of no known copybufsize
            fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT, copybufsize=1 << 20
        ) as archive,
    ):
        yield archive


def _write_training_set(world: World, floor: NoiseFloor, path: Path) -> None:
    bar = tqdm(desc="simulated ratings", total=world.size.n_ratings, unit=" ratings", unit_scale=True, disable=None)
    text = MovieText(world.user_id)
    with bar, tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for movie in ahead(world.movies()):
            floor.add(movie)
            _add(archive, f"training_set/mv_{movie.item:07d}.txt", text(movie))
            archive.members = []  # type: ignore[attr-defined]  # tarfile keeps every header else
            bar.update(len(movie.rating))


class MovieText:
    """Turns ratings into text by table look-up: pyarrow's CSV writer takes eight times longer."""

    def __init__(self, user_id: np.ndarray) -> None:
        self._users = _padded([b"%d," % user for user in user_id])
        days = np.datetime64(FIRST_DATE) + np.arange(N_DAYS)
        self._dates = _padded([f",{day}\n".encode() for day in days])
        self._stars = _padded([b"%d" % stars for stars in range(6)])

    def __call__(self, movie: MovieRatings) -> bytes:
        """Return a movie file: its header, and `CustomerID,Rating,YYYY-MM-DD` a line."""
        lines = np.hstack([self._users[movie.user], self._stars[movie.rating], self._dates[movie.day]])
        text: bytes = lines[lines != 0].tobytes()
        return b"%d:\n" % movie.item + text


def _padded(words: list[bytes]) -> np.ndarray:
    """Return words as rows of bytes, filled up with zeros."""
    return np.array(words).view(np.uint8).reshape(len(words), -1)


def _add(archive: tarfile.TarFile, name: str, text: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Forget who wrote a file and when: the same seed gives the same bytes."""
    plain = tarfile.TarInfo(member.name)
    plain.size = member.size
    return plain


def _titles(n_items: int) -> str:
    """Return movie_titles.txt, with commas, accents and unknown years as in the real one."""
    years = ["NULL" if item % 2500 == 7 else str(1920 + item * 37 % 86) for item in range(1, n_items + 1)]
    names = [
        f"Simulated Café, Part {item}" if item % 20 == 3 else f"Simulated Movie {item}"
        for item in range(1, n_items + 1)
    ]
    return "".join(f"{item},{year},{name}\n" for item, (year, name) in enumerate(zip(years, names, strict=True), 1))


def _truth(size: Size, floor: NoiseFloor) -> dict[str, Any]:
    return {
        "simulated": True,
        "n_ratings": size.n_ratings,
        "n_users": size.n_users,
        "n_items": size.n_items,
        "noise": size.noise,
        "seed": size.seed,
        "noise_floor_rmse": floor.rmse,
        "noise_floor_by_month": floor.by_month(),
    }
