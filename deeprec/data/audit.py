"""The audit: are a data set's splits those of the published table, to the last rating?"""

from pathlib import Path
from typing import Any

import pandas as pd

from deeprec.runtime.files import InputError, read_json
from deeprec.settings.audit import Audit

# The published "test" counts are the whole testing interval, valid and test together.
PARTS = {"train": "train", "test": "interval"}
COUNTS = ("ratings", "users", "items")


def read_stats(path: Path) -> dict[str, Any]:
    """Read a split's stats.json; raise InputError where it lacks a part's counts."""
    stats: dict[str, Any] = read_json(path, "split", "train", "valid", "test", "interval")
    for part in ("train", "valid", "test", "interval"):
        if not isinstance(stats[part], dict) or not stats[part].keys() >= {f"n_{count}" for count in COUNTS}:
            raise InputError(f"{path}: {part}: expected the counts n_ratings, n_users, n_items")
    return stats


def audit_table(stats: list[Path], expected: Audit) -> pd.DataFrame:
    """Compare stats.json of every split with what is expected: a row a count, with both and their difference.

    Raises InputError where a split that is to be audited has no stats.
    """
    found = {split["split"]: split for split in map(read_stats, stats)}
    if missing := [split for split in expected if split not in found]:
        raise InputError(f"audit: no stats of split {', '.join(missing)}; found {', '.join(found) or 'none'}")
    rows = [
        (split, part, count, parts[part][count], found[split][PARTS[part]][f"n_{count}"])
        for split, parts in _counts(expected).items()
        for part in PARTS
        for count in COUNTS
    ]
    table = pd.DataFrame(rows, columns=["split", "part", "count", "expected", "found"])
    table["difference"] = table["found"] - table["expected"]
    return table


def differences(table: pd.DataFrame) -> str | None:
    """Return the counts that differ as lines of text, None where all agree."""
    wrong = table[table["difference"] != 0]
    if wrong.empty:
        return None
    shown = wrong.to_string(
        index=False, formatters={name: "{:,}".format for name in ("expected", "found", "difference")}
    )
    return f"{len(wrong)} of {len(table)} counts differ from the published ones\n{shown}"


def published(expected: Audit, split: str, part: str) -> dict[str, int | None]:
    """Return the published counts of a part of stats.json, None where nothing is published."""
    names = {found: name for name, found in PARTS.items()}
    counts = _counts(expected).get(split, {}).get(names.get(part, ""), {})
    return {f"published_{count}": counts.get(count) for count in COUNTS}


def _counts(expected: Audit) -> dict[str, dict[str, dict[str, int]]]:
    return {split: parts.model_dump() for split, parts in expected.items()}
