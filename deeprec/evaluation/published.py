"""The run that the project published for a data set, beside which any other run of it can be put."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from deeprec.evaluation.tables import read_csv
from deeprec.runtime.files import ROOT

FOLDER = ROOT / "workflow" / "published"


def agreement(claims: pd.DataFrame, dataset: str) -> Mapping[str, Any] | None:
    """Return how many of a run's verdicts (claims.csv) are those of the published run, and which are not.

    None where no run of that data set was published.
    """
    path = FOLDER / f"{dataset}.csv"
    if not path.is_file():
        return None
    published = read_csv(path, "claim", "verdict", "commit")
    both = claims.merge(published, on="claim", suffixes=("", "_published"))
    differ = both[both["verdict"] != both["verdict_published"]]
    return {
        "n": len(both),
        "n_same": len(both) - len(differ),
        "commit": str(published["commit"].iloc[0]),
        "differ": [
            {"statement": row["statement"], "here": row["verdict"], "there": row["verdict_published"]}
            for _, row in differ.iterrows()
        ],
    }


def to_publish(claims: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """Return what is kept of a run: each claim's effect, interval (stars) and verdict, and the commit."""
    kept = claims[["claim", "effect", "low", "high", "verdict"]]
    return kept.assign(commit=", ".join(trainings["commit"].unique()))
