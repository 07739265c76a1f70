"""A tiny Netflix Prize data set, written in each of the forms in which the real one comes."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np

TITLES = "1,2003,Dinosaur Planet\n2,NULL,Dots, Hidden, and Other Commas\n3,1997,Amélie à Paris\n4,1994,Us\n"
Ratings = dict[int, list[str]]  # movie: lines


def some_ratings(seed: int = 0, n_users: int = 40) -> Ratings:
    """Draw ratings of 4 movies, in no order of users."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(2_649_429, n_users, replace=False) + 1
    ratings = {}
    for movie in (1, 2, 3, 4):
        users = rng.permutation(ids)[: n_users // movie]
        days = rng.integers(
            np.datetime64("1999-11-11").astype(int), np.datetime64("2006-01-01").astype(int), len(users)
        )
        ratings[movie] = [
            f"{user},{rng.integers(1, 6)},{np.datetime64(int(day), 'D')}" for user, day in zip(users, days, strict=True)
        ]
    return ratings


def movie_texts(ratings: Ratings, end: str = "\n") -> dict[str, bytes]:
    """Return the movie files' contents by name."""
    return {f"mv_{movie:07d}.txt": end.join([f"{movie}:", *lines, ""]).encode() for movie, lines in ratings.items()}


def write_folder(folder: Path, texts: dict[str, bytes], titles: str | None = TITLES) -> Path:
    """Write download/training_set/ and download/movie_titles.txt; return download/."""
    (folder / "download" / "training_set").mkdir(parents=True)
    for name, text in texts.items():
        (folder / "download" / "training_set" / name).write_bytes(text)
    if titles is not None:
        (folder / "download" / "movie_titles.txt").write_bytes(titles.encode("latin-1"))
    return folder / "download"


def tar_of(files: dict[str, bytes], mode: str = "w") -> bytes:
    """Pack files into a tar, `w:gz` for a zipped one."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return target.getvalue()


def training_set(texts: dict[str, bytes]) -> bytes:
    """Return training_set.tar."""
    return tar_of({f"training_set/{name}": text for name, text in texts.items()})


def write_archive(folder: Path, texts: dict[str, bytes], titles: str = TITLES) -> Path:
    """Write nf_prize_dataset.tar.gz as the real one is nested."""
    files = {
        "download/movie_titles.txt": titles.encode("latin-1"),
        "download/probe.txt": b"1:\n30878\n",
        "download/training_set.tar": training_set(texts),
    }
    path = folder / "nf_prize_dataset.tar.gz"
    path.write_bytes(tar_of(files, "w:gz"))
    return path


def kaggle_texts(ratings: Ratings, end: str = "\n", titles: str = TITLES) -> dict[str, bytes]:
    """Return Kaggle's files: a movie in each combined_data_N.txt, and the titles."""
    files = {}
    for part, (movie, lines) in enumerate(ratings.items(), 1):
        files[f"combined_data_{part}.txt"] = end.join([f"{movie}:", *lines, ""]).encode()
    return {**files, "movie_titles.csv": titles.encode("latin-1")}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text)
    return folder


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    """Write a zip and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
