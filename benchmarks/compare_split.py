"""The split by dates against Polars' streaming engine and DuckDB: seconds and peak memory, each in its own process.

The workflow makes the splits of a data set side by side: --at-once 2 measures that, with the threads shared out.

pip install polars duckdb, which the project itself does not need. All three write the same train part, in the same
order, and the same ratings in validation and test together; which of the two one goes to is each engine's own chance.
"""

import argparse
import multiprocessing
import os
import re
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from deeprec.data.ratings import ratings_table, write_table
from deeprec.data.splits import split_ratings
from deeprec.settings.splits import DateSplit

TRAIN, TEST = [date(1999, 12, 1), date(2005, 11, 30)], [date(2005, 12, 1), date(2005, 12, 31)]
FIRST, DAYS = (TRAIN[0] - date(1970, 1, 1)).days, (TEST[1] - TRAIN[0]).days + 1
THREADS = 2


def make(path: Path, n: int) -> None:
    """Write about n ratings, ordered by user and item, with Netflix's numbers of users and items."""
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers(0, 480_189, n) * 17_770 + (17_770 * rng.random(n) ** 2).astype(np.int64))
    user, item = (ids.astype(np.int32) + 1 for ids in np.divmod(pairs, 17_770))
    rating = rng.integers(1, 6, len(user)).astype(np.int8)
    day = (FIRST + DAYS * rng.random(len(user)) ** 0.5).astype(np.int32)  # more and more of them
    write_table(ratings_table(user, item, rating, day, origin="benchmark"), path)


def ours(ratings: Path, out: Path, threads: int) -> None:
    split_ratings(ratings, out, DateSplit(train=TRAIN, test=TEST, seed=0))


def polars(ratings: Path, out: Path, threads: int) -> None:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    table = pl.scan_parquet(ratings)
    train = table.filter(pl.col("date").is_between(*TRAIN))
    maps = {
        name: train.select(f"{name}_id").unique().sort(f"{name}_id").collect(engine="streaming").with_row_index(name)
        for name in ("user", "item")
    }
    for name, known in maps.items():
        known.with_columns(pl.col(name).cast(pl.Int32)).write_parquet(out / f"{name}s.parquet")

    def dense(part: pl.LazyFrame) -> pl.LazyFrame:
        for name, known in maps.items():
            part = part.join(known.lazy(), on=f"{name}_id", maintain_order="left")
        return part.select(pl.col("user", "item").cast(pl.Int32), "rating", "date")

    scored = dense(table.filter(pl.col("date").is_between(*TEST)))
    to_valid = pl.struct("user", "item").hash(seed=0) % 2 == 0
    for name, part in {
        "train": dense(train),
        "valid": scored.filter(to_valid),
        "test": scored.filter(~to_valid),
    }.items():
        part.sink_parquet(out / f"{name}.parquet", compression="zstd", engine="streaming")


def duckdb(ratings: Path, out: Path, threads: int) -> None:
    import duckdb

    memory = f"{5 * threads / THREADS}GB"
    query = duckdb.connect(config={"threads": threads, "memory_limit": memory, "temp_directory": str(out)}).execute
    query(f"CREATE VIEW ratings AS FROM '{ratings}'")
    days = {"train": TRAIN, "test": TEST}
    within = {name: f"date BETWEEN DATE '{first}' AND DATE '{last}'" for name, (first, last) in days.items()}
    for name in ("user", "item"):
        known = f"SELECT DISTINCT {name}_id FROM ratings WHERE {within['train']}"
        query(
            f'CREATE TABLE {name}s AS SELECT (row_number() OVER (ORDER BY {name}_id) - 1)::INT AS "{name}", {name}_id '
            f"FROM ({known})"
        )
        query(f"COPY (FROM {name}s ORDER BY ALL) TO '{out}/{name}s.parquet'")
    coin = "hash(user_id, item_id) % 2"
    for name, where in {
        "train": within["train"],
        "valid": f"{within['test']} AND {coin} = 0",
        "test": f"{within['test']} AND {coin} = 1",
    }.items():
        dense = 'SELECT "user", item, rating, date FROM ratings JOIN users USING (user_id) JOIN items USING (item_id)'
        query(
            f'COPY ({dense} WHERE {where} ORDER BY "user", item) '
            f"TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )


def measured(engine: str, ratings: Path, out: Path, threads: int, told: "multiprocessing.Queue[float]") -> None:
    globals()[engine](ratings, out, threads)
    # Not ru_maxrss, which a new process takes over from the one that started it.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    told.put(int(peak[1]) / 1024 if peak else float("nan"))


def side_by_side(engine: str, ratings: Path, outs: list[Path]) -> tuple[float, float]:
    """Return the seconds until all splits are made, and the peak memory of them together, in MB."""
    spawn = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[float] = spawn.Queue()
    threads = max(1, THREADS // len(outs))
    processes = [spawn.Process(target=measured, args=(engine, ratings, out, threads, told)) for out in outs]
    start = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"exit {[process.exitcode for process in processes]}")
    return time.perf_counter() - start, sum(told.get() for _ in outs)


def content(folder: Path) -> str:
    """Return the train part's rows, as a checksum, and how many ratings are to be predicted."""
    train = pq.read_table(folder / "train.parquet", columns=["user", "item", "rating"])
    sums = [int(np.dot(train[name].to_numpy(), np.arange(len(train)) % 1_000_003)) for name in train.column_names]
    rest = sum(pq.read_metadata(folder / f"{part}.parquet").num_rows for part in ("valid", "test"))
    return f"{len(train)} {sums} {rest}"


def main(args: argparse.Namespace) -> None:
    args.folder.mkdir(parents=True, exist_ok=True)
    ratings = args.folder / "ratings.parquet"
    if not ratings.exists():
        make(ratings, args.ratings)
    print(f"{pq.read_metadata(ratings).num_rows:,} ratings, {args.at_once} splits at once")
    print("| engine | seconds | peak memory (MB) |\n|---|---|---|")
    contents = set()
    for engine in args.engines * args.turns:
        outs = [args.folder / f"{engine}_{index}" for index in range(args.at_once)]
        for out in outs:
            out.mkdir(exist_ok=True)
        try:
            seconds, peak = side_by_side(engine, ratings, outs)
        except RuntimeError as error:
            print(f"| {engine} | failed: {error} | |", flush=True)
            continue
        print(f"| {engine} | {seconds:.1f} | {peak:,.0f} |", flush=True)
        contents |= {content(out) for out in outs}
    print("same parts" if len(contents) == 1 else f"parts that differ: {contents}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="where ratings and splits are written")
    parser.add_argument("--ratings", default=100_000_000, type=int, help="about so many ratings")
    parser.add_argument("--engines", default=["ours", "polars", "duckdb"], nargs="+", help="what to measure")
    parser.add_argument("--at-once", default=1, type=int, help="splits that are made side by side, as by the workflow")
    parser.add_argument("--turns", default=1, type=int, help="times that each is measured, in turn")
    main(parser.parse_args())
