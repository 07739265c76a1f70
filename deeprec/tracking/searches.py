"""The mirror of searches in MLflow: a run a search, with its trials, what was chosen, table and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from deeprec.config.plan_files import SearchPlan
from deeprec.evaluation.search_trials import chosen_settings, read_trials
from deeprec.evaluation.tables import records
from deeprec.runtime.files import digest
from deeprec.tracking.live import PROCESS, create_run, find_runs, log_metrics, this_process
from deeprec.tracking.views import BEST, PARENT, View, search_view

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
    for trial in records(trials):
        _mirror_trial(client, experiment, run_id, table.stem, trial, plan)
    client.set_terminated(run_id)
    client.set_tag(run_id, SEARCH, stamp)  # last, so that a search that was cut off is logged anew
    return run_id


def _mirror_trial(
    client: MlflowClient, experiment: str, parent: str, run: str, trial: dict[str, Any], plan: SearchPlan
) -> None:
    """Log a trial below its search, so that MLflow's page can draw a line a trial through its settings."""
    name = f"{run} · trial {trial['trial']}"
    trial_id = create_run(
        client, experiment, name, {PARENT: parent, "trial": str(trial["trial"]), "state": trial["state"]}
    )
    scores = {BEST: trial["valid_rmse"], "seconds": trial["seconds"]}
    metrics = [Metric(key, float(value), 0, 0) for key, value in scores.items() if np.isfinite(value)]
    client.log_batch(trial_id, metrics, params=[Param(key, str(trial[key])) for key in plan.space])
    client.set_terminated(trial_id)


def search_views(plans: Mapping[str, SearchPlan], ids: Mapping[str, str]) -> list[View]:
    """Return a view a search, of its trials; `ids` are those of the searches' own runs, by run, as are `plans`."""
    return [search_view(run, parent, list(plans[run].space)) for run, parent in ids.items()]


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
