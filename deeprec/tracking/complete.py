"""Whether tracking.json is still true: the file says that the mirror in MLflow is complete. Needs no MLflow."""

import sqlite3
from contextlib import closing
from pathlib import Path

from deeprec.runtime.files import InputError, read_json

SQLITE = "sqlite:///"


def store_file(uri: str) -> Path | None:
    """Return the file of a local store, None for one on a server."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def forget_incomplete(tracking: Path, uri: str, dataset: str) -> None:
    """Remove a tracking.json that is not true any more, so that the mirror is made complete again.

    It is not where a store failed before all was sent, and where the store or the data set's experiment is gone. One
    that tells of another store than `uri` is left to Snakemake.
    """
    if not tracking.exists():
        return
    try:
        told = read_json(tracking)
        is_true = told["tracking_uri"] != uri or (not told["unsent"] and _is_there(uri, dataset))
    except (InputError, LookupError, TypeError):
        is_true = False
    if not is_true:
        tracking.unlink()


def _is_there(uri: str, dataset: str) -> bool:
    if (file := store_file(uri)) is None:
        return True  # a server is asked by the jobs alone
    if not file.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as store:
            query = "SELECT 1 FROM experiments WHERE name = ? AND lifecycle_stage = 'active'"
            return store.execute(query, (dataset,)).fetchone() is not None
    except sqlite3.Error:
        return True  # a damaged store is told of by whoever opens it
