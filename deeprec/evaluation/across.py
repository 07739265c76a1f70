"""The paper's claims on several data sets: a verdict a claim and data set, and what they say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deeprec.evaluation.claims import CLAIMS, NEGLIGIBLE, NOT_RUN
from deeprec.evaluation.tables import read_csv, records
from deeprec.evaluation.words import number, signed

KEPT = ["claim", "experiment", "statement", "asserts", "paper_effect", "effect", "low", "high", "n_seeds", "verdict"]
SIGNS = {"held": "●", "not held": "✕", "unclear": "○", NOT_RUN: "–"}


@dataclass(frozen=True)
class Found:
    """What was found on one data set: its claims.csv, and the training part of its main split."""

    dataset: str
    title: str
    claims: pd.DataFrame
    n_train: int
    n_users: int
    n_items: int
    rating_range: float  # stars
    commit: str
    machine: str

    @property
    def size(self) -> str:
        """The data set's size in words."""
        return f"{number(self.n_train)} training ratings, {number(self.n_users)} users, {number(self.n_items)} items"


def across_table(found: Sequence[Found]) -> pd.DataFrame:
    """Return a row a claim and data set, effects in stars, in the paper's order of claims.

    `share` is the effect in percent of the ratings' range, which makes scales comparable. A claim that a data set
    lacks is `not run` there.
    """
    told = pd.concat([one.claims.assign(dataset=one.dataset) for one in found], ignore_index=True)
    known = [claim.name for claim in CLAIMS if claim.name in set(told["claim"])]
    names = list(dict.fromkeys([*known, *told["claim"]]))
    by_place = {(row["claim"], row["dataset"]): row for row in records(told)}
    words = {name: next(row for (claim, _), row in by_place.items() if claim == name) for name in names}
    # What is little in stars is another number on each data set.
    little = f"{NEGLIGIBLE:.3%} of the ratings' range"
    said = {claim.name: claim.said(little) for claim in CLAIMS}
    words = {name: {**row, "statement": said.get(name, row["statement"])} for name, row in words.items()}
    rows = [
        {"dataset": one.dataset, **_kept(by_place.get((name, one.dataset)), words[name], one.rating_range)}
        for name in names
        for one in found
    ]
    return pd.DataFrame(rows)


def _kept(row: dict[str, Any] | None, words: dict[str, Any], rating_range: float) -> dict[str, Any]:
    """Return what is kept of a claim on a data set; `words` is the same claim on any."""
    if row is None:
        nothing = {"effect": np.nan, "low": np.nan, "high": np.nan, "n_seeds": 0, "verdict": NOT_RUN}
        row = {**words, **nothing}
    scale = 1.0 if row["asserts"] == "diverges" else rating_range
    return {**{key: row[key] for key in KEPT}, "statement": words["statement"], "share": 100 * row["effect"] / scale}


def sentence(rows: pd.DataFrame) -> str:
    """Sum up a claim: on how many data sets it held, and whether the effect has the same sign on all."""
    run = rows[rows["verdict"] != NOT_RUN]
    if run.empty:
        return "Run on none."
    counts = run["verdict"].value_counts()
    said = f"Held on {counts.get('held', 0)} of {len(run)}"
    if refuted := counts.get("not held", 0):
        said += f", not held on {refuted}"
    if run["asserts"].iloc[0] == "diverges" or len(run) == 1:
        return f"{said}."
    signs = set(np.sign(run["effect"].dropna()))
    return f"{said}; {'the same sign on all' if len(signs) == 1 else 'its sign differs'}."


def elsewhere(path: Path, dataset: str) -> dict[str, str]:
    """Return what is to be said of each claim across data sets, from the table of `across_table`.

    Nothing where there is no table, or where `dataset` is not in it.
    """
    if not path.is_file():
        return {}
    table = read_csv(path, "claim", "dataset", "verdict", "effect", "asserts")
    n = table["dataset"].nunique()
    if dataset not in set(table["dataset"]) or n < 2:
        return {}
    return {str(claim): f"Across {n} data sets: {_lower(sentence(rows))}" for claim, rows in table.groupby("claim")}


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def across_page(found: Sequence[Found], table: pd.DataFrame, figure: str) -> str:
    """Return across.md: the matrix, and a sentence a claim. `figure` is the picture's file, beside the page."""
    lines = ["# The paper's claims across data sets", ""]
    lines += [f"- **{one.title}**: {one.size}; commit {one.commit}, {one.machine}." for one in found]
    lines += [
        "",
        f"![Every claim on every data set: effect, interval and verdict]({figure})",
        "",
        "● held, ✕ not held, ○ unclear (the 95 % interval over paired seeds holds 0), – not run. Effects in stars of "
        "the data set's own scale.",
        "",
        "| | the paper's claim | " + " | ".join(one.title for one in found) + " | |",
        "|" + "---|" * (len(found) + 3),
    ]
    for _, rows in table.groupby("claim", sort=False):
        by_dataset = {row["dataset"]: row for row in records(rows)}
        cells = [_cell(by_dataset[one.dataset]) for one in found]
        first = rows.iloc[0]
        lines.append(
            f"| {first['experiment']} | {first['statement']} | " + " | ".join(cells) + f" | {sentence(rows)} |"
        )
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any]) -> str:
    if not np.isfinite(row["effect"]):
        told = ""
    else:
        told = f"{row['effect']:.0%} of seeds" if row["asserts"] == "diverges" else signed(row["effect"])
    return f"{SIGNS[row['verdict']]} {told}".strip()
