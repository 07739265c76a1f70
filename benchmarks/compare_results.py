"""Are two results folders of one data set the same, to the last bit? For what must change no number.

    python benchmarks/compare_results.py BEFORE/results/movielens-100k AFTER/results/movielens-100k

Compared are every run's predictions, curves and scores, every split, and the tables; left out is what a clock, a
memory gauge or git measured. Exit status 1 where anything differs or is missing on either side.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from deeprec.runtime.files import read_json

MEASURED = {"seconds", "timestamp", "bytes", "peak_memory_bytes", "added_memory_bytes", "commit", "machine", "versions"}
MEASURED |= {"seconds_mean", "seconds_sd", "peak_memory_mb", "folder"}
COMPARED = ("runs/*/seed_*/*.parquet", "runs/*/seed_*/metrics.json", "splits/*/*.parquet", "tables/*.csv", "*.parquet")


def read(path: Path) -> pd.DataFrame:
    """Read a table, or a JSON object as a table of one row, without what was measured."""
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    elif path.suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)  # as it is written
    else:
        table = pd.DataFrame([read_json(path)])
    return table[[name for name in table if name not in MEASURED]]


def difference(before: Path, after: Path) -> str | None:
    """Say in words how two files differ, None where they do not."""
    if missing := [path for path in (before, after) if not path.exists()]:
        return f"missing: {missing[0]}"
    one, two = read(before), read(after)
    if list(one) != list(two):
        return f"columns {', '.join(sorted(set(one) ^ set(two))) or 'in another order'}"
    if len(one) != len(two):
        return f"{len(one):,} and {len(two):,} rows"
    # equals() takes NaN for NaN, and nothing else for anything but itself.
    changed = [name for name in one if not one[name].equals(two[name])]
    return f"values of {', '.join(changed)}" if changed else None


def compare(before: Path, after: Path) -> Iterator[tuple[str, str | None]]:
    """Yield every compared file of either folder and how it differs."""
    for pattern in COMPARED:
        found = {str(path.relative_to(folder)) for folder in (before, after) for path in folder.glob(pattern)}
        for name in sorted(found):
            yield name, difference(before / name, after / name)


def main(args: argparse.Namespace) -> None:
    compared = dict(compare(args.before, args.after))
    different = {name: how for name, how in compared.items() if how}
    for name, how in different.items():
        print(f"{name}: {how}")
    print(f"{len(compared):,} files compared, {len(different):,} differ")
    if different or not compared:
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="folder of one data set's results")
    parser.add_argument("after", type=Path, help="another")
    main(parser.parse_args())
