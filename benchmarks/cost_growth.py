"""How time and memory grow with the ratings: every stage and every model at several sizes, with the fitted exponents.

    python benchmarks/cost_growth.py --sizes 1e5 1e6 1e7       minutes
    python benchmarks/cost_growth.py --folder DIR              and a hundred million: an hour, 4 GB on the disk

Simulated ratings of Netflix's proportions: users grow with the ratings, items stay as many as Netflix's. Every stage
and model runs in a fresh process; of a model, one epoch counts. Processor seconds, so that other work beside it changes
little; peak memory, of a stage with its imports, of a model beyond them. An exponent of 1 means twice the cost for
twice the ratings. It is fitted from a million ratings on, below which start-up counts for more.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from partition_scale import stages
from plans import plan_of
from processes import in_a_process
from scale_models import measure

from deeprec.config.plan import Plan
from deeprec.runtime.provenance import machine

MODELS = ["bias", "pca", "als", "pmf", "i_autorec", "u_autorec", "rrn", "high_lr", "deeprec"]
SIZES = [1e5, 1e6, 1e7, 100_480_507]
FITTED_FROM = 1_000_000  # ratings


def plan_for(n_ratings: int) -> Plan:
    """Return the plan of ratings of so many users as Netflix would have, and of all of its items."""
    whole = plan_of("simulated-netflix").dataset.definition
    return plan_of("simulated-netflix", n_ratings=n_ratings, n_users=round(whole.n_users * n_ratings / whole.n_ratings))


def costs_at(n_ratings: int, folder: Path, models: list[str], threads: int) -> Iterator[dict[str, object]]:
    """Yield a row a stage and model: processor seconds, and peak memory (bytes)."""
    plan = plan_for(n_ratings)
    for stage, cost in stages(plan, folder):
        yield {"what": stage, "seconds": cost.processor_seconds, "bytes": cost.peak_bytes}
    for name in models:
        run = plan.run(name).with_seed(0)
        cost = in_a_process(measure, run, folder / "full", "cpu", threads, 1)
        yield {"what": name, "seconds": cost["cpu"], "bytes": cost["peak"]}


def exponent(n_ratings: np.ndarray, cost: np.ndarray) -> float:
    """Return k of cost ~ n^k by least squares on logarithms, from a million ratings on; NaN of fewer than two sizes."""
    counts = (n_ratings >= FITTED_FROM) & (cost > 0)
    if counts.sum() < 2:
        return float("nan")
    return float(np.polyfit(np.log(n_ratings[counts]), np.log(cost[counts]), 1)[0])


def growth(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a stage and model: each size's seconds and MB, and the exponents of both."""
    found = []
    for what, group in rows.groupby("what", sort=False):
        row: dict[str, object] = {"": what}
        for one in group.itertuples():
            row[f"{one.ratings:.0e} (s)"] = f"{one.seconds:.1f}"
            row[f"{one.ratings:.0e} (MB)"] = f"{one.bytes / 1e6:,.0f}"
        n_ratings = group["ratings"].to_numpy(float)
        for column in ("seconds", "bytes"):
            row[f"exponent, {column}"] = f"{exponent(n_ratings, group[column].to_numpy(float)):.2f}"
        found.append(row)
    return pd.DataFrame(found)


def main(args: argparse.Namespace) -> None:
    print(f"{machine()}, {args.threads} threads", flush=True)
    rows = []
    for size in args.sizes:
        with contextlib.nullcontext(args.folder) if args.folder else tempfile.TemporaryDirectory() as parent:
            for row in costs_at(int(size), Path(parent, f"{size:.0f}"), args.models, args.threads):
                rows.append({"ratings": size, **row})
                print(f"{size:.0f} {row['what']}: {row['seconds']:.2f} s, {row['bytes'] / 1e6:,.0f} MB", flush=True)
    print(growth(pd.DataFrame(rows)).to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES, help="numbers of ratings")
    parser.add_argument("--models", nargs="*", default=MODELS, choices=MODELS, help="runs of config.yaml")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of a training")
    parser.add_argument("--folder", type=Path, help="where to keep ratings and splits; a temporary folder where absent")
    main(parser.parse_args())
