"""Seconds and peak memory from the archive to four splits and a loaded training set, at several sizes.

Each stage runs in a fresh process; splits run two at a time, as on two cores. Ratings are simulated, once: an
archive that lies in the folder from an earlier call is taken as it is.
"""

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from processes import SPLITS, Cost, measure

NETFLIX = {"n_ratings": 100_480_507, "n_users": 480_189, "n_items": 17_770, "noise": 0.8, "seed": 0}
GUNZIP = """
import sys
from deeprec.archives import GunzipStream
stream = GunzipStream(open(sys.argv[1], "rb"), sys.argv[1])
while stream.read(1 << 18):
    pass
"""
IMPORT = "import deeprec.matrix"
LOAD = "import sys; from deeprec.matrix import read_train; read_train(sys.argv[1])"


def simulated(n_ratings: int) -> dict[str, float]:
    """Return a size of Netflix's proportions: users shrink with the ratings, items by the square root."""
    share = min(1.0, n_ratings / NETFLIX["n_ratings"])
    return {
        **NETFLIX,
        "n_ratings": n_ratings,
        "n_users": round(NETFLIX["n_users"] * share),
        "n_items": round(NETFLIX["n_items"] * share**0.5),
    }


def stages(n_ratings: int, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Run the stages one after the other, and yield what each costs."""
    archive, ratings = folder / "simulated.tar.gz", folder / "ratings.parquet"
    arguments = [
        "--dataset",
        json.dumps(simulated(n_ratings)),
        "--archive",
        archive,
        "--truth",
        folder / "truth.json",
    ]
    manifest = folder / "manifest.json"
    if not manifest.exists():
        yield "simulate", measure("scripts/simulate_ratings.py", *arguments, "--manifest", manifest)
    yield "gunzip alone", measure("-c", GUNZIP, archive)
    arguments = ["--dataset", '{"source": "simulated"}', "--manifest", manifest]
    items = folder / "items.parquet"
    yield "parse", measure("scripts/parse_ratings.py", *arguments, "--ratings", ratings, "--items", items)
    yield from split_stages(ratings, folder)
    imports = measure("-c", IMPORT)
    load = measure("-c", LOAD, folder / "full")
    yield (
        "load full",
        Cost(
            load.seconds - imports.seconds,
            load.processor_seconds - imports.processor_seconds,
            load.peak_bytes,
        ),
    )


def split_stages(ratings: Path, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Split two at a time; yield each split's cost, and that of all of them."""

    def split(name: str) -> Cost:
        train, test = SPLITS[name]
        definition = json.dumps({"kind": "dates", "train": train, "test": test, "seed": 0})
        arguments = ["--ratings", ratings, "--split", definition, "--out", folder / name]
        return measure("scripts/split_ratings.py", *arguments)

    start = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        costs = dict(zip(SPLITS, pool.map(split, SPLITS), strict=True))
    seconds = time.monotonic() - start
    for name, cost in costs.items():
        yield f"split {name}", cost
    processor_seconds = sum(cost.processor_seconds for cost in costs.values())
    peaks = sorted(cost.peak_bytes for cost in costs.values())
    yield "four splits", Cost(seconds, processor_seconds, sum(peaks[-2:]))


def show_sizes(n_ratings: int, folder: Path) -> None:
    """Print what lies on the disk."""
    for file in sorted(folder.rglob("*.parquet")):
        size, name = file.stat().st_size, file.relative_to(folder)
        print(f"  {size / 1e6:10.2f} MB {size / n_ratings:6.2f} bytes of {n_ratings:,} {name}")


def main(args: argparse.Namespace) -> None:
    rows = []
    for n_ratings in args.sizes:
        with contextlib.nullcontext(args.folder) if args.folder else tempfile.TemporaryDirectory() as parent:
            folder = Path(parent, str(n_ratings))
            for stage, cost in stages(n_ratings, folder):
                row = {"ratings": n_ratings, "stage": stage, "seconds": cost.seconds}
                row |= {"processor_seconds": cost.processor_seconds, "peak_mb": cost.peak_bytes / 1e6}
                rows.append({**row, "peak_bytes_a_rating": cost.peak_bytes / n_ratings})
                print(
                    " ".join(f"{x:>14.2f}" if isinstance(x, float) else f"{x!s:>14}" for x in rows[-1].values()),
                    flush=True,
                )
            show_sizes(n_ratings, folder)
    if args.out:
        pd.DataFrame(rows).to_csv(args.out, index=False, float_format="%.3f")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[1_000_000, 10_000_000, 100_480_507],
        help="numbers of ratings",
    )
    parser.add_argument("--folder", type=Path, help="where to keep 3 GB; a temporary folder where absent")
    parser.add_argument("--out", type=Path, help="CSV to write")
    main(parser.parse_args())
