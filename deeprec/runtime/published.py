"""The run that the project published for a data set, beside which any other run of it can be put.

Without pandas, since the workflow's own process, which sums up at the end, may lack it.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprec.runtime.files import ROOT, InputError

FOLDER = ROOT / "docs" / "published"
KEPT = ("claim", "effect", "low", "high", "verdict")  # of claims.csv; effect and interval in stars
SCORES = ("model", "split", "rmse", "sd")  # of final.csv, a row a model and split; stars

# Scores agree where seeds and processors explain the difference. Of two seeds' scores the difference has a deviation of
# √(sd² + sd²); means of several seeds are nearer, so that twice that is exceeded by chance in fewer than 1 of 20 cases.
# The rest is arithmetic: between AMD and Intel processors, the same seeds gave scores that were up to 0.003 apart.
SEEDS, PROCESSORS = 2.0, 0.003


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


@dataclass(frozen=True)
class ScoreAgreement:
    """How a run's test RMSE compare with those of the published run."""

    n: int  # models and splits that both have a score for
    differ: list[dict[str, str]]  # `model`, `split`, and the scores `here` and `there`, of those too far apart

    @property
    def n_same(self) -> int:
        """How many scores seeds and processors explain."""
        return self.n - len(self.differ)


def agreement(claims: Iterable[Mapping[str, Any]], dataset: str) -> Agreement | None:
    """Compare a run's verdicts, rows of claims.csv, with the published run's; None where none was published."""
    path = FOLDER / dataset / "claims.csv"
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


def score_agreement(final: Iterable[Mapping[str, Any]], dataset: str) -> ScoreAgreement | None:
    """Compare a run's test RMSE, rows of final.csv, with the published run's; None where none was published."""
    path = FOLDER / dataset / "final.csv"
    if not path.is_file():
        return None
    here = {(row["model"], row["split"]): row for row in _scores(final)}
    both = [(here[at], row) for row in read_rows(path, *SCORES) if (at := (row["model"], row["split"])) in here]
    differ = [
        {"model": mine["model"], "split": mine["split"], "here": mine["rmse"], "there": published["rmse"]}
        for mine, published in both
        if not _explained(mine, published)
    ]
    return ScoreAgreement(len(both), differ)


def _explained(here: Mapping[str, str], there: Mapping[str, str]) -> bool:
    apart = abs(float(here["rmse"]) - float(there["rmse"]))
    return apart <= SEEDS * math.hypot(*(float(side["sd"] or 0) for side in (here, there))) + PROCESSORS


def _scores(final: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a row a model and split that has a score, as text, of rows of final.csv."""
    found = []
    for row in final:
        for split in (name.removeprefix("rmse_") for name in row if name.startswith("rmse_")):
            rmse, sd = (_text(row.get(f"{name}_{split}")) for name in ("rmse", "sd"))
            if rmse:
                found.append({"model": row["model"], "split": split, "rmse": rmse, "sd": sd})
    return found


def _text(value: Any) -> str:
    """Return a number of a table, read as text or by pandas, as text with 6 digits; nothing where there is none."""
    return "" if value in (None, "") or math.isnan(float(value)) else f"{float(value):.6g}"


def to_publish(
    claims: list[dict[str, str]], final: list[dict[str, str]], trainings: list[dict[str, str]]
) -> dict[str, list[dict[str, str]]]:
    """Return what is kept of a run, by table: KEPT of each claim, SCORES of each model and split, and the commit.

    Takes rows of claims.csv, final.csv and trainings.csv.
    """
    commit = ", ".join(dict.fromkeys(row["commit"] for row in trainings))
    verdicts = [{**{name: claim[name] for name in KEPT}, "commit": commit} for claim in claims]
    return {"claims": verdicts, "final": [{**row, "commit": commit} for row in _scores(final)]}


def read_rows(path: Path, *columns: str) -> list[dict[str, str]]:
    """Read a table as text; raise InputError where it lacks `columns`."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        found = reader.fieldnames or []
        if not set(columns) <= set(found):
            raise InputError(f"{path}: found columns {', '.join(found)}; expected {', '.join(columns)}")
        return list(reader)
