"""The report's tables, with the figures' labels, and without columns that say nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from deeprec.evaluation.words import number, signed, spread

Row = Mapping[str, Any]
NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    """What stands in a table's cell, whether it leads its column, and what the pointer is told."""

    text: str
    best: bool = False
    title: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table of the report: its head, and a row of cells a line."""

    head: list[str]
    rows: list[list[Cell]]


def page_table(columns: Mapping[str, Callable[[Row], str | Cell]], rows: Sequence[Row]) -> PageTable:
    """Return a table of `rows`, a column a function; columns in which nothing is said are left out."""
    cells = [[_cell(tell(row)) for tell in columns.values()] for row in rows]
    kept = [at for at in range(len(columns)) if any(row[at].text not in (NOTHING, "") for row in cells)]
    heads = list(columns)
    return PageTable([heads[at] for at in kept], [[row[at] for at in kept] for row in cells])


def _cell(told: str | Cell) -> Cell:
    return told if isinstance(told, Cell) else Cell(told)


def runs_table(rows: Sequence[Row]) -> PageTable:
    """Return the runs of an ablation, rows of results.csv with the figure's `label`."""
    several = len({row["split"] for row in rows}) > 1
    lost = any(row["n_diverged"] for row in rows)
    columns: dict[str, Callable[[Row], str | Cell]] = {
        "Run": lambda row: Cell(row["label"], title=f"runs/{row['run']}"),
        "Split": lambda row: row["split"] if several else NOTHING,
        "Validation RMSE": lambda row: spread(row["valid_rmse_mean"], row["valid_rmse_sd"]),
        "paper, Netflix": lambda row: number(row["paper_valid_rmse"], 4),
        "gap": lambda row: signed(row["valid_gap"]),
        "Test RMSE": lambda row: spread(row["test_rmse_mean"], row["test_rmse_sd"]),
        "paper, Netflix ": lambda row: number(row["paper_test_rmse"], 4),
        "gap ": lambda row: signed(row["test_gap"]),
        "Best epoch": lambda row: number(row["best_epoch_mean"]),
        "Parameters": lambda row: number(row["n_parameters"]),
        "Seconds": lambda row: number(row["seconds_mean"], 1),
        "Diverged": lambda row: f"{row['n_diverged']} of {row['n_seeds']}" if lost else NOTHING,
    }
    return page_table(columns, rows)


def original_table(rows: Sequence[Row]) -> PageTable:
    """Return the runs of an ablation by the authors' program and by ours, rows of comparison.csv."""
    columns: dict[str, Callable[[Row], str | Cell]] = {
        "Run": lambda row: row["label"],
        "Theirs: validation RMSE": lambda row: spread(row["theirs_valid_rmse_mean"], row["theirs_valid_rmse_sd"]),
        "Ours": lambda row: spread(row["ours_valid_rmse_mean"], row["ours_valid_rmse_sd"]),
        "Ours − theirs": lambda row: signed(row["difference"]),
        "95 % interval": lambda row: (
            NOTHING if pd.isna(row["low"]) else f"{signed(row['low'])} to {signed(row['high'])}"
        ),
        "Seeds alone?": lambda row: "yes" if row["within"] else "no",
        "Theirs: test RMSE": lambda row: spread(row["theirs_test_rmse_mean"], row["theirs_test_rmse_sd"]),
        "Ours ": lambda row: spread(row["ours_test_rmse_mean"], row["ours_test_rmse_sd"]),
    }
    return page_table(columns, rows)


def final_table(rows: Sequence[Row], splits: list[str]) -> PageTable:
    """Return final.csv: a model a row, ours and the paper's test RMSE by split, and the costs."""
    columns: dict[str, Callable[[Row], str | Cell]] = {"Model": lambda row: row["model"]}
    for split in splits:
        columns[f"{split}: test RMSE"] = lambda row, s=split: Cell(  # type: ignore[misc]
            spread(row[f"rmse_{s}"], row[f"sd_{s}"])
            + (f" ({row[f'diverged_{s}']} diverged)" if row[f"diverged_{s}"] else ""),
            bool(row[f"best_{s}"]),
        )
        columns[f"{split}: paper, Netflix"] = lambda row, s=split: number(row[f"paper_{s}"], 4)  # type: ignore[misc]
    columns |= {
        "Seconds": lambda row: number(row["seconds"], 1),
        "Bytes a rating": lambda row: number(row["bytes"]),
    }
    return page_table(columns, rows)


def ranking_table(rows: Sequence[Row], splits: list[str]) -> PageTable | None:
    """Return NDCG@10 and Recall@10 of each model by split, None where they were not measured."""
    if not all(f"ndcg_10_{split}" in row for row in rows for split in splits):
        return None
    columns: dict[str, Callable[[Row], str | Cell]] = {"Model": lambda row: row["model"]}
    for split in splits:
        columns[f"{split}: NDCG / Recall"] = lambda row, s=split: (  # type: ignore[misc]
            f"{number(row[f'ndcg_10_{s}'], 3)} / {number(row[f'recall_10_{s}'], 3)}"
        )
    return page_table(columns, rows)


def outcome(rows: Sequence[Row]) -> str:
    """Say in a sentence which run of an ablation is best on validation, and which is worst."""
    scored = [row for row in rows if pd.notna(row["valid_rmse_mean"])]
    if not scored:
        return "Every training diverged."
    best, worst = (pick(scored, key=lambda row: row["valid_rmse_mean"]) for pick in (min, max))
    said = f"Lowest validation RMSE: {_named(best)}, {number(best['test_rmse_mean'], 4)} on test"
    if best is not worst:
        said += f"; highest: {_named(worst)}"
    lost = [row["label"] for row in rows if row["n_diverged"]]
    return f"{said}. " + (f"Diverged for some seeds: {', '.join(lost)}." if lost else "No training diverged.")


def _named(row: Row) -> str:
    return f"{row['label']}, {spread(row['valid_rmse_mean'], row['valid_rmse_sd'])}"


def final_outcome(rows: Sequence[Row], splits: list[str]) -> list[str]:
    """Say of each split which model is best on test, and which comes second."""
    said = []
    for split in splits:
        ranked = sorted((row for row in rows if pd.notna(row[f"rmse_{split}"])), key=lambda row: row[f"rmse_{split}"])
        words = [f"{row['model']} {row[f'rmse_{split}']:.4f}" for row in ranked[:2]]
        sure = ranked and ranked[0][f"best_{split}"]
        if words:
            said.append(f"{split}: {', then '.join(words)}{'' if sure else ' (no clear lead)'}")
    return said
