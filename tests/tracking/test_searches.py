"""The mirror of a search: its trials, what was chosen and its figures, once however often it is asked for."""

from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from deeprec.config.plan_files import SearchPlan
from deeprec.evaluation.tables import write_csv
from deeprec.tracking.live import open_store
from deeprec.tracking.searches import mirror_search, search_views
from deeprec.tracking.views import view_links, write_views

PLAN = SearchPlan(title="Toy", run={}, space={"hidden": {"choices": [[4], [4, 3]]}}, trials=3, seed=0)


def write_search(folder: Path, best: float) -> Path:
    """Write a search of three trials, the last of which diverged, with one figure."""
    outcome = {"valid_rmse": [0.9, best, None], "state": ["pruned", "complete", "diverged"], "seconds": [1.0, 2.0, 0.5]}
    table = pd.DataFrame({"trial": range(3), "hidden": ["[4]", "[4, 3]", "[4]"], **outcome})
    write_csv(table, folder / "als.csv")
    (folder / "als").mkdir(exist_ok=True)
    (folder / "als" / "history.png").write_bytes(b"PNG")
    return folder / "als.csv"


@pytest.fixture
def store(tmp_path, monkeypatch) -> tuple[MlflowClient, str]:
    monkeypatch.chdir(tmp_path)
    return open_store("sqlite:///mlflow.db", "toy search")


def test_a_search_is_a_run_with_its_trials_and_what_was_chosen(store, tmp_path):
    client, _ = store
    run_id = mirror_search(*store, PLAN, write_search(tmp_path, 0.8))
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED" and run.data.params == {"hidden": "[4, 3]"}
    by_trial = {point.step: point.value for point in client.get_metric_history(run_id, "valid/rmse")}
    assert by_trial == {0: 0.9, 1: 0.8}
    del run.data.metrics["valid/rmse"]
    ends = {"trials": 3, "seconds": 3.5, "complete": 1, "pruned": 1, "diverged": 1, "best/valid_rmse": 0.8}
    assert run.data.metrics == ends
    assert [artifact.path for artifact in client.list_artifacts(run_id)] == ["als.csv", "history.png"]


def test_each_trial_is_a_run_below_its_search_and_a_view_draws_them_all(store, tmp_path):
    client, experiment = store
    run_id = mirror_search(*store, PLAN, write_search(tmp_path, 0.8))
    (view,) = search_views({"als": PLAN}, {"als": run_id})
    trials = client.search_runs([experiment], view.state["searchFilter"])
    found = {run.info.run_name: (run.data.params, run.data.metrics, run.data.tags["state"]) for run in trials}
    assert found == {
        "als · trial 0": ({"hidden": "[4]"}, {"best/valid_rmse": 0.9, "seconds": 1.0}, "pruned"),
        "als · trial 1": ({"hidden": "[4, 3]"}, {"best/valid_rmse": 0.8, "seconds": 2.0}, "complete"),
        "als · trial 2": ({"hidden": "[4]"}, {"seconds": 0.5}, "diverged"),
    }
    parallel, bar = view.state["compareRunCharts"]
    assert (parallel["type"], parallel["selectedParams"]) == ("PARALLEL", ["hidden"])
    assert parallel["selectedMetrics"] == ["best/valid_rmse"] == [bar["metricKey"]]
    write_views(client, experiment, [view], "A view a search")
    assert list(view_links(client.get_experiment(experiment).tags, experiment)) == ["Search of als"]


def test_twice_is_once_and_another_search_another_run(store, tmp_path):
    first = mirror_search(*store, PLAN, write_search(tmp_path, 0.8))
    assert mirror_search(*store, PLAN, write_search(tmp_path, 0.8)) == first
    assert mirror_search(*store, PLAN, write_search(tmp_path, 0.7)) != first
    client, experiment = store
    assert len(client.search_runs([experiment], "tags.`deeprec.search` LIKE '%'")) == 2
