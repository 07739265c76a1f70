"""The final table: test RMSE of every model on every split (experiment F; slides 9 and 22)."""

from typing import Any

import numpy as np
import pandas as pd

from deeprec.config.plan import FinalTable
from deeprec.evaluation.claims import interval

ALSO = ("ndcg_10", "recall_10")  # the paper judges by RMSE alone


def final_table(final: FinalTable, trainings: pd.DataFrame) -> pd.DataFrame:
    """Return a row a model, in the plan's order, with columns for each split that end in its name.

    `rmse_S` and `sd_S`: mean and sample deviation over the seeds that did not diverge, stars; `diverged_S`, how
    many did; `best_S`, whether the model leads the split (`_leader`); `paper_S`, the paper's value on Netflix;
    `n_train_S`, `n_test_S`, numbers of ratings; `ndcg_10_S`, `recall_10_S`, means over the seeds, where the data set
    says which ratings are `relevant`. `seconds` and `bytes` a training rating are of the main split:
    mean time, and the largest memory that a training added to its process.
    """
    leaders = {s: _leader(trainings, [runs[s] for runs in final.runs.values()]) for s in final.splits}
    rows = []
    for model, runs in final.runs.items():
        row: dict[str, Any] = {"model": model}
        for split, run in runs.items():
            group = trainings[trainings["run"] == run]
            scores = group["test_rmse"].where(group["status"] == "finished").astype(float)
            row[f"rmse_{split}"], row[f"sd_{split}"] = scores.mean(), scores.std(ddof=1)
            row[f"diverged_{split}"] = int(scores.isna().sum())
            row[f"best_{split}"] = run == leaders[split]
            row[f"paper_{split}"] = final.paper.get(model, {}).get(split, np.nan)
            row |= {f"{name}_{split}": group[name].mean() for name in ALSO if name in group}
            row[f"n_train_{split}"], row[f"n_test_{split}"] = group[["n_train", "n"]].iloc[0]
        group = trainings[trainings["run"] == runs[final.main_split]]
        row["seconds"] = group["seconds"].mean()
        row["bytes"] = group["added_memory_bytes"].max() / group["n_train"].iloc[0]
        rows.append(row)
    return pd.DataFrame(rows)


def _leader(trainings: pd.DataFrame, runs: list[str]) -> str | None:
    """Return the run with the lowest mean test RMSE, if it beats the second with confidence, else None.

    With confidence: the 95 % interval of their difference, paired by seed, lies below 0.
    """
    finished = trainings[trainings["run"].isin(runs) & (trainings["status"] == "finished")]
    scores = finished.pivot_table(index="seed", columns="run", values="test_rmse")
    if scores.shape[1] < 2:
        return None
    first, second = scores.mean().nsmallest(2).index
    difference = (scores[first] - scores[second]).dropna().to_numpy()
    return first if len(difference) > 1 and interval(difference)[1] < 0 else None
