"""Views in MLflow's page: what they show, that writing them again changes nothing, and that a browser opens them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from deeprec.config.checks import load_plan
from deeprec.config.plan_files import ViewPlan
from deeprec.evaluation.figure_style import COLOURS
from deeprec.runtime.files import ROOT
from deeprec.runtime.ports import listen
from deeprec.tracking.mirror import RunFolder, mirror_run
from deeprec.tracking.store import open_store
from deeprec.tracking.views import (
    COLOUR,
    ORDER,
    VIEW,
    _colour,
    forget_figures,
    group_tag,
    tags_of,
    view_links,
    views_of,
    with_trainings,
    write_views,
)
from tests.browsers import SECONDS, needs_browser, opened
from tests.serving.conftest import dataset  # noqa: F401

VIEWS = {"ranks": ViewPlan(experiment="C", shows=["valid", "test"])}
GROUPS = {
    "ranks": {"three": "als", "shallow": "deeprec"},
    "final": {"ALS": "als", "PCA": "pca"},
    "none": {"gone": "gone"},
}
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own


@pytest.fixture
def folders(dataset: Path, tmp_path: Path) -> list[RunFolder]:  # noqa: F811
    shutil.copytree(dataset, tmp_path / "results" / "toy")
    return [RunFolder(tmp_path / "results" / "toy" / "runs" / run / "seed_0") for run in ("als", "pca", "deeprec")]


def trainings(folders):
    return {name: with_trainings(runs, folders) for name, runs in GROUPS.items()}


def test_a_view_shows_its_figure_s_runs_by_label_and_how_they_differ(folders):
    final, ranks, every = views_of(VIEWS, trainings(folders))
    assert [view.name for view in (final, ranks, every)] == ["F · Final table", "C · Ranks", "All runs, best first"]
    tag = group_tag("ranks", GROUPS["ranks"])
    assert ranks.state["searchFilter"] == f"tags.`{tag}` LIKE '%'"
    assert ranks.state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": tag}]
    assert {"params.`model`", "params.`hidden`"} <= set(ranks.state["selectedColumns"])
    assert "params.`split`" not in ranks.state["selectedColumns"]  # all share it
    line, bar = ranks.state["compareRunCharts"]
    assert (line["type"], line["metricKey"], bar["metricKey"]) == ("LINE", "valid/rmse", "test/rmse")
    curves = [folder.history["valid_rmse"] for folder in folders if folder.training.name in ("als", "deeprec")]
    low, high = line["range"]["yMin"], line["range"]["yMax"]
    assert low < min(curve.min() for curve in curves) < high
    assert [chart["metricKey"] for chart in final.state["compareRunCharts"]] == ["test/rmse"]
    assert final.state["searchFilter"].endswith(f" AND tags.split = '{folders[0].training.split}'")
    assert every.state["searchFilter"] == "" and every.state["orderByAsc"]


def written(tmp_path, folders) -> tuple[mlflow.MlflowClient, str, str]:
    uri = f"sqlite:///{tmp_path}/results/mlflow.db"
    mlflow.set_tracking_uri(uri)
    client, experiment = open_store(uri, "toy")
    for folder in folders:
        mirror_run(client, experiment, folder, tags_of(folder.training, GROUPS))
    write_views(client, experiment, views_of(VIEWS, trainings(folders)))
    return client, experiment, uri


def test_views_are_written_once_and_follow_the_config(folders, tmp_path):
    client, experiment, _ = written(tmp_path, folders)
    tags = client.get_experiment(experiment).tags
    views = views_of(VIEWS, trainings(folders))
    write_views(client, experiment, views)
    assert client.get_experiment(experiment).tags == tags
    assert all(len(value) < 20_000 for value in tags.values())  # MLflow shows no longer one
    state = json.loads(json.loads(tags[VIEW + "deeprec-ranks"])["state"])
    tag = group_tag("ranks", GROUPS["ranks"])
    found = client.search_runs([experiment], state["searchFilter"])
    assert sorted(run.data.tags[tag] for run in found) == ["shallow", "three"]
    names = sorted(run.info.run_name for run in client.search_runs([experiment]))
    assert names == ["final · PCA · seed 0", "ranks · shallow · seed 0", "ranks · three · seed 0"]
    colours = {run.info.run_name: run.data.tags[COLOUR] for run in client.search_runs([experiment])}
    places = [colours[f"ranks · {label} · seed 0"] for label in GROUPS["ranks"]]
    assert places == COLOURS[: len(places)]  # the lines' colours in the figure
    write_views(client, experiment, views[:1])
    left = client.get_experiment(experiment).tags
    assert [key for key in left if key.startswith(VIEW)] == [VIEW + "deeprec-final"]
    assert json.loads(left[ORDER]) == ["deeprec-final"]


def test_groups_of_a_figure_differ_in_colour(config):
    for name, runs in load_plan(config).groups.items():
        tag = group_tag(name, runs)
        assert tag.startswith(f"figure.{name}")
        assert len({_colour(f"tag.{tag}.{label}") for label in runs}) >= min(len(runs), 18)


def test_a_run_that_left_a_figure_is_shown_there_no_more(folders, tmp_path):
    client, experiment, _ = written(tmp_path, folders)
    ids = {run.data.tags["run"]: run.info.run_id for run in client.search_runs([experiment])}
    fewer = {**GROUPS, "ranks": {"three": "als"}, "final": GROUPS["final"]}
    told = {ids[f.training.name]: tags_of(f.training, fewer) for f in folders if f.training.name != "pca"}
    forget_figures(client, experiment, told)
    final, ranks = (group_tag(name, GROUPS[name]) for name in ("final", "ranks"))
    left = {name: set(client.get_run(run_id).data.tags) & {final, ranks} for name, run_id in ids.items()}
    assert left["deeprec"] == left["pca"] == set()  # one left the figure, the other is trained no more
    assert final in left["als"]


def test_an_experiment_without_views_has_a_page():
    assert list(view_links({}, "7")) == ["All runs"] and "#/experiments/7/runs" in view_links({}, "7")["All runs"]


@needs_browser
def test_a_browser_finds_the_charts_and_the_runs_behind_each_link(folders, tmp_path):
    *_, uri = written(tmp_path, folders)
    with listen(0) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, ROOT / "scripts" / "serve_ui.py", "--dataset", "toy", "--port", str(port)]
    server = subprocess.Popen([*command, "--tracking-uri", uri], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        printed = ""
        while (line := server.stdout.readline()) and not line.startswith("Ctrl-C"):
            printed += line
        links = {" ".join(words[:-1]): words[-1] for line in printed.splitlines() if (words := line.split())[1:]}
        links = {name: link for name, link in links.items() if link.startswith("http")}
        assert list(links) == ["F · Final table", "C · Ranks", "All runs, best first"]
        for (name, link), runs, charts in zip(links.items(), (2, 2, 3), (1, 2, 0), strict=True):
            with opened(link, viewport={"width": 1600, "height": 1000}) as page:
                page.get_by_text(f"{runs} matching runs").wait_for()
                page.get_by_role("button", name=name).wait_for()  # the view that the page says it shows
                for label in GROUPS["ranks"] if name == "C · Ranks" else ():
                    page.get_by_text(f"Group: {label}").first.wait_for()
                if charts:
                    told = f"As in the figure ({charts})"
                    page.wait_for_function(
                        "told => document.body.innerText.replace(/\\s+/g, ' ').includes(told)", arg=told
                    )
    finally:
        server.terminate()
        server.communicate(timeout=SECONDS)
