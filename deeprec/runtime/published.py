"""The run that the project published for a data set, beside which any other run of it can be put.

Without pandas, since the workflow's own process, which sums up at the end, may lack it.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprec.runtime.files import ROOT, InputError

FOLDER = ROOT / "workflow" / "published"
KEPT = ("claim", "effect", "low", "high", "verdict")  # of claims.csv; effect and interval in stars


@dataclass(frozen=True)
class Agreement:
    """How a run's verdicts compare with those of the published run."""

    n: int  # claims that both have
    commit: str  # of the published run
    differ: list[dict[str, str]]  # `statement`, and the verdict `here` and `there`, of those that are not the same

    @property
    def n_same(self) -> int:
        """How many verdicts are the same."""
        return self.n - len(self.differ)


def agreement(claims: Iterable[Mapping[str, Any]], dataset: str) -> Agreement | None:
    """Compare a run's verdicts, rows of claims.csv, with the published run's; None where none was published."""
    path = FOLDER / f"{dataset}.csv"
    if not path.is_file():
        return None
    there = {row["claim"]: row for row in read_rows(path, "claim", "verdict", "commit")}
    both = [(claim, there[claim["claim"]]) for claim in claims if claim["claim"] in there]
    differ = [
        {"statement": claim["statement"], "here": claim["verdict"], "there": published["verdict"]}
        for claim, published in both
        if claim["verdict"] != published["verdict"]
    ]
    return Agreement(len(both), next((published["commit"] for _, published in both), ""), differ)


def to_publish(claims: list[dict[str, str]], trainings: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return what is kept of a run: KEPT of each claim, and the commit; of rows of claims.csv and trainings.csv."""
    commit = ", ".join(dict.fromkeys(row["commit"] for row in trainings))
    return [{**{name: claim[name] for name in KEPT}, "commit": commit} for claim in claims]


def read_rows(path: Path, *columns: str) -> list[dict[str, str]]:
    """Read a table as text; raise InputError where it lacks `columns`."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        found = reader.fieldnames or []
        if not set(columns) <= set(found):
            raise InputError(f"{path}: found columns {', '.join(found)}; expected {', '.join(columns)}")
        return list(reader)
