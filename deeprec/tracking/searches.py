"""The mirror of searches in MLflow: a run a search, with its trials, what was chosen, table and figures."""

from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from deeprec.config.plan_files import SearchPlan
from deeprec.evaluation.search_trials import chosen_settings, read_trials
from deeprec.runtime.files import digest
from deeprec.tracking.live import PROCESS, create_run, find_runs, log_metrics, this_process

SEARCH = "deeprec.search"  # the tag by which a search is found again
STARTED = "deeprec.search.started"  # and by which it is known until it is all there


def mirror_search(client: MlflowClient, experiment: str, plan: SearchPlan, table: Path) -> str:
    """Log one search, from its table and the figures in the folder of the same name; return its id in MLflow.

    A search that is there already is left as it is; one that was made again is a run of its own.
    """
    stamp = f"{table.stem} {digest(table)}"
    if found := find_runs(client, experiment, {SEARCH: stamp}):
        known: str = found[0].info.run_id
        return known
    run_id = create_run(client, experiment, f"search of {table.stem}", {STARTED: stamp, PROCESS: this_process()})
    trials = read_trials(table, plan.space)
    chosen = chosen_settings(trials, plan.space)
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in chosen.items()])
    log_metrics(client, run_id, _metrics(trials))
    for path in [table, *sorted(table.with_suffix("").glob("*.png"))]:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
    client.set_tag(run_id, SEARCH, stamp)  # last, so that a search that was cut off is logged anew
    return run_id


def _metrics(trials: pd.DataFrame) -> list[Metric]:
    scored = trials[trials["valid_rmse"].notna()]
    by_trial = [
        Metric("valid/rmse", float(rmse), 0, int(trial))
        for trial, rmse in zip(scored["trial"], scored["valid_rmse"], strict=True)
    ]
    ends = {"trials": len(trials), "seconds": trials["seconds"].sum()}
    ends |= {str(state): int(count) for state, count in trials["state"].value_counts().items()}
    ends |= {"best/valid_rmse": scored["valid_rmse"].min()} if len(scored) else {}
    return by_trial + [Metric(name, float(value), 0, 0) for name, value in ends.items()]
