"""Tables: a row a training, a row a run (mean ± deviation over seeds), a row a part of a split."""

from pathlib import Path
from typing import Any

import pandas as pd

from deeprec.config.run_settings import read_run
from deeprec.data.audit import published, read_stats
from deeprec.runtime.files import InputError, read_json, reading, replacing
from deeprec.settings.audit import Audit

SCORES = ["valid_rmse", "test_rmse", "best_epoch", "seconds"]
# Counts of a split as a whole, and of what was left out of its data set before.
OF_A_SPLIT = ["n_unseen", "n_unseen_users", "n_unseen_items", "n_tied"]
OF_A_SPLIT += ["n_zero", "n_repeated", "n_rare", "n_rare_users", "n_rare_items"]


# What the pages need of metrics.json.
METRICS = [*SCORES, "status", "n", "n_valid", "n_train", "n_parameters", "peak_memory_bytes"]
METRICS += ["commit", "machine", "versions"]


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a training's metrics.json; raise InputError where it lacks what tables and figures need."""
    metrics: dict[str, Any] = read_json(path, *METRICS)
    return metrics


def read_csv(path: Path, *columns: str, sep: str = ",", na_values: str | None = None) -> pd.DataFrame:
    """Read a table that the pipeline has written; raise InputError where it is damaged or lacks `columns`."""
    with reading(path, f"a table with {', '.join(columns)}"):
        return _with_columns(path, pd.read_csv(path, sep=sep, na_values=na_values), columns)


def read_parquet(path: Path, *columns: str) -> pd.DataFrame:
    """Read a Parquet table as `read_csv` reads its own."""
    with reading(path, f"a table with {', '.join(columns)}"):
        return _with_columns(path, pd.read_parquet(path), columns)


def _with_columns(path: Path, table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    if not set(columns) <= set(table):
        raise InputError(f"{path}: found columns {', '.join(map(str, table))}; expected {', '.join(columns)}")
    return table


def collect_trainings(metrics: list[Path]) -> pd.DataFrame:
    """Read every training's metrics.json and what its settings.yaml says it is: a row a run and seed."""
    rows = []
    for path in metrics:
        run = read_run(path.parent / "settings.yaml")
        names = {"run": run.name, "seed": run.seed, "model": run.model, "split": run.split}
        rows.append({**names, **read_metrics(path), "folder": str(path.parent)})
    return pd.DataFrame(rows)


def results_table(trainings: pd.DataFrame, paper: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return a row a run: RMSE in stars as mean and sample deviation over the seeds that did not diverge.

    `paper` holds the paper's Netflix RMSE by part and run; a gap is ours minus the paper's, on different data unless
    the data set is Netflix. The deviation of a single seed is unknown (NaN).
    """
    rows = []
    for run, group in trainings.groupby("run", sort=False):
        finished = group[group["status"] == "finished"]
        first = group.iloc[0]
        row: dict[str, Any] = {"run": run, "model": first["model"], "split": first["split"]}
        row |= {"n_seeds": len(group), "n_diverged": len(group) - len(finished)}
        for score in SCORES:
            values = finished[score].astype(float)
            row |= {f"{score}_mean": values.mean(), f"{score}_sd": values.std(ddof=1)}
        row |= {name: first[name] for name in ("n_parameters", "n_train", "n_valid", "n")}
        row["peak_memory_mb"] = group["peak_memory_bytes"].max() / 1e6
        for part, by_run in paper.items():
            row[f"paper_{part}_rmse"] = by_run.get(first["run"], float("nan"))
            row[f"{part}_gap"] = row[f"{part}_rmse_mean"] - row[f"paper_{part}_rmse"]
        row["commit"] = first["commit"]
        rows.append(row)
    return pd.DataFrame(rows).rename(columns={"n": "n_test"})


def datasets_table(dataset: str, stats: list[Path], expected: Audit) -> pd.DataFrame:
    """Return a row a split and part; `interval` is valid and test together, as the paper's Table 1 counts.

    Beside the interval stand the ratings, users and items that left it as unseen in train, and the ratings that only a
    tie in time sent there or to train (`split_ratings`); then those that the data set's definition had left out before.
    Where counts are published (`expected`), they stand beside ours, as whole numbers.
    """
    rows = []
    for path in stats:
        split = read_stats(path)
        for part in ("train", "valid", "test", "interval"):
            names = {"dataset": dataset, "split": split["split"], "part": part}
            whole = {name: split.get(name) if part == "interval" else None for name in OF_A_SPLIT}
            rows.append({**names, **split[part], **published(expected, split["split"], part), **whole})
    table = pd.DataFrame(rows)
    return table.astype(
        {name: "Int64" for name in table.columns if name.startswith("published_") or name in OF_A_SPLIT}
    )


def rating_range(datasets: pd.DataFrame) -> float:
    """Return the width of the training ratings' scale in datasets.csv, stars: 4 where they run from 1 to 5."""
    train = datasets[datasets["part"] == "train"]
    return float(train["max_rating"].max() - train["min_rating"].min())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as mappings."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all; floats keep 6 digits."""
    with replacing(path) as beside:
        table.to_csv(beside, index=False, float_format="%.6g")
