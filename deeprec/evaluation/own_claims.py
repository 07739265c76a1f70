"""Claims of ours, judged by the same rule as the paper's: what makes DeepRec+ good, and whether it leads."""

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from deeprec.config.schema import FINAL, Ablation
from deeprec.evaluation.claims import Claim, Scores, judge, judge_claims

OURS = {"DeepRec+": "plus", "DeepRec+, searched": "plus_searched"}  # in the final table: how their claims begin
BLENDED = "Rivals, blended"
LEADS = "F+"  # in place of an experiment of the paper's, for what is said of the final table
RIVALS = ("Bias-only", "PCA", "ALS", "PMF", "I-AutoRec", "U-AutoRec", "RRN")


def judge_own(
    trainings: pd.DataFrame, groups: Mapping[str, Mapping[str, str]], ablations: Mapping[str, Ablation]
) -> pd.DataFrame:
    """Return own_claims.csv, with claims.csv's columns: a row a split of the final table and a run of a `change` panel.

    `groups` has the runs by label of each ablation and the final table.
    """
    runs = {f"{name}: {label}": run for name, labels in groups.items() for label, run in labels.items()}
    claims = [*_leads(groups.get(FINAL, {})), *_changes(ablations)]
    rows = [judge(claim, trainings, runs, little=0.0) for claim in claims]
    return pd.DataFrame(rows) if rows else judge_claims(trainings, {}, 0.0).head(0)


def _leads(labels: Mapping[str, str]) -> Iterator[Claim]:
    """Say of each split whether DeepRec+ is better than the best rival, and than the best blend of all rivals."""
    for label in labels:
        ours, _, split = label.partition(" on ")
        if ours not in OURS:
            continue
        where = f" on {split}" if split else ""
        rivals = [f"{FINAL}: {rival}{where}" for rival in RIVALS if f"{rival}{where}" in labels]
        opponents = {"the best rival": rivals, "the best blend of rivals": [f"{FINAL}: {BLENDED}{where}"]}
        for opponent, others in opponents.items():
            yield Claim(
                f"{OURS[ours]}_beats_{_name(opponent + where)}", LEADS, None,
                f"{ours} predicts better than {opponent}{where}",
                f"test RMSE{where or ' on the main split'}: {ours} less {opponent}",
                _less_the_best(f"{FINAL}: {label}", others), "below 0",
            )  # fmt: skip


def _less_the_best(run: str, others: list[str]) -> Callable[[Scores], np.ndarray]:
    """A run less the best of others, seed by seed: below 0 only if it beats whichever is best."""
    return lambda scores: scores(run, "test_rmse") - np.fmin.reduce([scores(other, "test_rmse") for other in others])


def _changes(ablations: Mapping[str, Ablation]) -> Iterator[Claim]:
    """Say of each run in a panel of changes whether it is worse, or better, than the panel's reference."""
    for name, ablation in ablations.items():
        for panel in ablation.panels:
            if panel.show == "change":
                for label in panel.runs or ablation.runs:
                    if label != panel.reference:
                        yield Claim(
                            f"{name}_{_name(label)}", ablation.experiment or name, ablation.slide,
                            f"{panel.reference} with “{label}” is {panel.expect}",
                            f"test RMSE: {label} less {panel.reference}",
                            _less_the_best(f"{name}: {label}", [f"{name}: {panel.reference}"]),
                            "above 0" if panel.expect == "worse" else "below 0",
                        )  # fmt: skip


def _name(words: str) -> str:
    return re.sub(r"\W+", "_", words.lower()).strip("_")
