"""Seconds and peak memory from the archive to four splits and a loaded training set, at several sizes.

Each stage runs in a fresh process; splits run two at a time, as on two cores. Ratings are simulated, once: an
archive that lies in the folder from an earlier call is taken as it is.
"""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from plans import plan_of, write_plan
from processes import Cost, measure
from simulated import write_archive

from deeprec.config.plan import Plan

GUNZIP = """
import sys
from deeprec.data.archives import GunzipStream
stream = GunzipStream(open(sys.argv[1], "rb"), sys.argv[1])
while stream.read(1 << 18):
    pass
"""
IMPORT = "import deeprec.data.matrix"
LOAD = "import sys; from deeprec.data.matrix import read_train; read_train(sys.argv[1])"


def plan_for(n_ratings: int) -> Plan:
    """Return the plan of ratings of Netflix's proportions: users shrink with the ratings, items by the square root."""
    whole = plan_of("simulated-netflix").dataset.definition
    share = min(1.0, n_ratings / whole.n_ratings)
    size = {"n_users": round(whole.n_users * share), "n_items": round(whole.n_items * share**0.5)}
    return plan_of("simulated-netflix", n_ratings=n_ratings, **size)


def stages(plan: Plan, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Run the stages one after the other, and yield what each costs."""
    source = folder / "plan" / "source.yaml"
    write_plan(plan, folder / "plan")
    if not (folder / "manifest.json").exists():
        yield "simulate", write_archive(source, folder)
    yield "gunzip alone", measure("-c", GUNZIP, folder / "simulated.tar.gz")
    outputs = ["--ratings", folder / "ratings.parquet", "--items", folder / "items.parquet"]
    manifest = folder / "manifest.json"
    yield "parse", measure("scripts/parse_ratings.py", "--source", source, "--manifest", manifest, *outputs)
    yield from split_stages(list(plan.dataset.splits), folder)
    imports, load = measure("-c", IMPORT), measure("-c", LOAD, folder / "full")
    seconds, processor_seconds = load.seconds - imports.seconds, load.processor_seconds - imports.processor_seconds
    yield "load full", Cost(seconds, processor_seconds, load.peak_bytes)


def split_stages(splits: list[str], folder: Path) -> Iterator[tuple[str, Cost]]:
    """Split two at a time; yield each split's cost, and that of all of them."""

    def split(name: str) -> Cost:
        definition = folder / "plan" / "splits" / f"{name}.yaml"
        arguments = ["--ratings", folder / "ratings.parquet", "--split", definition, "--out", folder / name]
        return measure("scripts/split_ratings.py", *arguments)

    start = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        costs = dict(zip(splits, pool.map(split, splits), strict=True))
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
            for stage, cost in stages(plan_for(n_ratings), folder):
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
