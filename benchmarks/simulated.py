"""Simulated ratings: as an archive in Netflix's layout, or straight as what a training reads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from processes import Cost, measure

from deeprec.data.netflix_text import FIRST_DATE
from deeprec.data.ordering import by_user
from deeprec.data.ratings import TableWriter, write_table
from deeprec.data.world import Size, World


def write_archive(source: Path, folder: Path) -> Cost:
    """Write simulated.tar.gz, and manifest.json that names it, of a source.yaml; return what that costs."""
    outputs = {"archive": "simulated.tar.gz", "truth": "truth.json", "manifest": "manifest.json"}
    options = [word for name, file in outputs.items() for word in (f"--{name}", folder / file)]
    return measure("scripts/simulate_ratings.py", "--source", source, *options)


def simulate(size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """Return a world's ratings, by user and item: user and item (from 0), rating, and date (days since 1970-01-01).

    Users stand in random order; in the world, they are ordered by how much they rate.
    """
    movies = list(World(size).movies())
    item = np.repeat(np.arange(size.n_items, dtype=np.int32), [len(movie.user) for movie in movies])
    user = rng.permutation(size.n_users).astype(np.int32)[np.concatenate([movie.user for movie in movies])]
    user, item, order = by_user(user, item)
    rating = np.concatenate([movie.rating for movie in movies])[order]
    day = np.concatenate([movie.day for movie in movies])[order]
    first = np.datetime64(FIRST_DATE, "D").astype(np.int32)
    return pd.DataFrame({"user": user, "item": item, "rating": rating, "date": day + first})


def write_split(folder: Path, **parts: pd.DataFrame) -> None:
    """Write the parts of a split, train among them, whose users and items are numbered without a gap."""
    for name, part in parts.items():
        writer = TableWriter(folder / f"{name}.parquet")
        writer.write({column: part[column].to_numpy() for column in part})
        writer.close()
    for name in ("user", "item"):
        ids = np.arange(parts["train"][name].max() + 1, dtype=np.int32)
        write_table(pa.table({name: ids, f"{name}_id": ids}), folder / f"{name}s.parquet")
