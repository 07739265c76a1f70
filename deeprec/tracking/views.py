"""Views of an experiment in MLflow's page, one a figure: its runs alone, seeds as one line, the same quantity.

MLflow keeps a view as a tag of the experiment, which its page lists under "Views" and opens by a link.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mlflow import MlflowClient

from deeprec.config.plan_files import ViewPlan
from deeprec.config.run_settings import Run
from deeprec.config.schema import FINAL
from deeprec.evaluation.figure_style import COLOURS
from deeprec.evaluation.line_panel import zoomed
from deeprec.evaluation.words import heading
from deeprec.tracking.live import find_runs
from deeprec.tracking.mirror import NOTE, RunFolder

VIEW, ORDER, NAME = "mlflow.sharedViewState.", "deeprec.views", "mlflow.runName"
COLOUR = "mlflow.runColor"  # of a run by itself; groups get theirs from MLflow
FIGURE = "figure."  # and an ablation's name: how the tags begin that say what its figure calls a run
PARENT, BEST = "mlflow.parentRunId", "best/valid_rmse"  # MLflow's tag of a run below another; a trial's score
EVERY = "deeprec-all"
N_COLOURS = 29  # in MLflow's page, which gives a group one by a checksum of its tag and value
N_TAGS = 300  # that are tried for one under which a figure's groups have colours of their own
SCORES = {"best_valid": "best/valid_rmse", "test": "test/rmse", "change": "test/rmse"}
LINES = {"train": "train/rmse", "valid": "valid/rmse", "steps": "train/rmse", "seconds": "valid/rmse"}
NAMES = {"train/rmse": "train_rmse", "valid/rmse": "valid_rmse"}  # of a line's points in history.parquet
SHOWN = ["metrics.`best/valid_rmse`", "metrics.`test/rmse`"]
Runs = Mapping[str, Sequence[RunFolder]]  # a figure's trainings by label


@dataclass(frozen=True)
class View:
    """A view: its key in the page's address, its name in the list of views, and what the page shows."""

    key: str
    name: str
    state: dict[str, Any]


def group_tag(name: str, labels: Iterable[str]) -> str:
    """Return the tag that says what an ablation's figure calls a run, by which MLflow's page groups the seeds.

    Of several that would do, it is one under which the fewest groups share a colour.
    """
    return _group_tag(name, tuple(labels))


@cache
def _group_tag(name: str, labels: tuple[str, ...]) -> str:
    names = [f"{FIGURE}{name}", *(f"{FIGURE}{name}.{n}" for n in range(1, N_TAGS))]
    return max(names, key=lambda tag: len({_colour(f"tag.{tag}.{label}") for label in labels}))


def _colour(group: str) -> int:
    """Return which of its colours MLflow's page draws a group in (Fletcher's checksum)."""
    low = high = 0
    for letter in group:
        low = (low + ord(letter)) % 255
        high = (high + low) % 255
    return (low | high << 8) % N_COLOURS


def tags_of(run: Run, groups: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the tags by which MLflow's page finds, groups, names and colours a training; `groups` are runs by label.

    Name and colour are those of the first figure that draws it; a label's place there gives the colour, as in curves.
    """
    labels = {name: label for name, runs in groups.items() for label, found in runs.items() if found == run.name}
    figures = {group_tag(name, groups[name]): label for name, label in labels.items()}
    tags = {"ablation": ", ".join(labels), NAME: f"{run.name} · seed {run.seed}", **figures}
    if labels:
        figure, label = next(iter(labels.items()))
        tags[NAME] = f"{figure} · {label} · seed {run.seed}"
        tags[COLOUR] = COLOURS[list(groups[figure]).index(label) % len(COLOURS)]
    return tags


def forget_figures(client: MlflowClient, experiment: str, tags: Mapping[str, Mapping[str, str]]) -> None:
    """Take away the tags of figures that a run is in no more, or they would still show it; `tags` are by run id."""
    for run in find_runs(client, experiment, {}):
        for name in run.data.tags:
            if name.startswith(FIGURE) and name not in tags.get(run.info.run_id, {}):
                client.delete_tag(run.info.run_id, name)


def views_of(plans: Mapping[str, ViewPlan], groups: Mapping[str, Runs]) -> list[View]:
    """Return the final table's view, that of each ablation, and that of all runs; a group without runs has none."""
    order = {FINAL: ViewPlan(experiment="F", shows=["test"]), **plans}
    views = [_view(name, plan, groups[name]) for name, plan in order.items() if groups.get(name)]
    return [*views, View(EVERY, "All runs, best first", _state("", [], [], grouped=None))]


def with_trainings(runs: Mapping[str, str], folders: Sequence[RunFolder]) -> dict[str, list[RunFolder]]:
    """Return the trainings by label, of `runs` by label; labels without any are left out."""
    found = {label: [folder for folder in folders if folder.training.name == run] for label, run in runs.items()}
    return {label: trainings for label, trainings in found.items() if trainings}


def _view(name: str, plan: ViewPlan, runs: Runs) -> View:
    title = heading("Final table" if name == FINAL else name, plan.experiment)
    charts = [_chart(name, show, runs) for show in plan.shows]
    tag = group_tag(name, runs)
    shown = f"tags.`{tag}` LIKE '%'"
    if name == FINAL:  # of the main split, where the first model is; all splits at once would be too many bars to read
        shown += f" AND tags.split = '{next(iter(runs.values()))[0].training.split}'"
    state = _state(shown, charts, _differing(runs), grouped=tag)
    return View(f"deeprec-{name}", title, state)


def _chart(name: str, show: str, runs: Runs) -> dict[str, Any]:
    chart = {"uuid": f"{name}-{show}", "metricSectionId": name, "deleted": False, "isGenerated": False}
    if show in SCORES:
        return {**chart, "type": "BAR", "metricKey": SCORES[show]}
    metric = LINES[show]
    low, high = _range(metric, runs)
    line = {"metricKey": metric, "selectedMetricKeys": [metric], "xAxisKey": "step", "yAxisKey": "metric"}
    looks = {"scaleType": "linear", "lineSmoothness": 0, "range": {"yMin": low, "yMax": high}}
    return {**chart, "type": "LINE", **line, **looks}


def _range(metric: str, runs: Runs) -> tuple[float, float]:
    """Return a scale for a line's points, stars, by the rule of the figures."""
    folders = [folder for trainings in runs.values() for folder in trainings]
    train = folders[0].split_stats["train"]
    curves = [folder.history[NAMES[metric]].to_numpy(float)[None] for folder in folders]
    low, high = zoomed(curves, float(train["max_rating"] - train["min_rating"]))
    return float(low), float(high)


def _differing(runs: Runs) -> list[str]:
    """Return the settings in which a figure's runs differ."""
    settings = [trainings[0].training.as_dict() for trainings in runs.values()]
    names = dict.fromkeys(name for found in settings for name in found if name not in ("run", "seed", "dataset"))
    return [name for name in names if len({str(found.get(name)) for found in settings}) > 1]


def _state(
    runs: str,
    charts: list[dict[str, Any]],
    settings: list[str],
    *,
    grouped: str | None,
    section_name: str = "As in the figure",
) -> dict[str, Any]:
    sections = {chart["metricSectionId"] for chart in charts}
    return {
        "searchFilter": runs,
        "orderByKey": "metrics.`best/valid_rmse`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [*SHOWN, *(f"params.`{name}`" for name in settings)],
        "runsHiddenMode": "SHOW_ALL",
        "runListHidden": False,
        "useGroupedValuesInCharts": True,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": grouped}]}
        if grouped
        else None,
        "compareRunSections": [
            {"uuid": section, "name": section_name, "display": True, "isReordered": True} for section in sections
        ]
        or None,
        "compareRunCharts": charts or None,
    }


def search_view(run: str, parent: str, settings: Sequence[str]) -> View:
    """Return the view of a search: a line a trial through its settings to its score, and the score by trial.

    `parent` is the search's own run, whose trials hang below it.
    """
    chart = {"metricSectionId": run, "deleted": False, "isGenerated": False}
    lines = {"type": "PARALLEL", "selectedParams": [*settings], "selectedMetrics": [BEST], "showAllRuns": True}
    charts = [
        {**chart, "uuid": f"{run}-parallel", **lines},
        {**chart, "uuid": f"{run}-bar", "type": "BAR", "metricKey": BEST},
    ]
    state = _state(f"tags.`{PARENT}` = '{parent}'", charts, [*settings], grouped=None, section_name="Trials")
    return View(f"deeprec-{run}", f"Search of {run}", state)


def write_views(
    client: MlflowClient,
    experiment: str,
    views: Sequence[View],
    said: str = "One run a training; a view a figure of the report",
) -> None:
    """Keep views in an experiment's tags, and take away those of ours that are no more.

    The experiment's note says what is `said` and leads to each of them. Writing the same again changes nothing.
    """
    tags = client.get_experiment(experiment).tags
    for view in views:
        state = json.dumps({name: value for name, value in view.state.items() if value is not None})
        known = json.loads(tags.get(VIEW + view.key, "{}"))
        if (known.get("name"), known.get("state")) != (view.name, state):
            now = int(1000 * time.time())
            content = {"name": view.name, "createdAt": known.get("createdAt", now), "updatedAt": now, "state": state}
            client.set_experiment_tag(experiment, VIEW + view.key, json.dumps(content))
    keys = [view.key for view in views]
    for key in set(json.loads(tags.get(ORDER, "[]"))) - set(keys):
        client.delete_experiment_tag(experiment, VIEW + key)
    client.set_experiment_tag(experiment, ORDER, json.dumps(keys))
    links = view_links(client.get_experiment(experiment).tags, experiment)
    listed = "\n".join(f"- [{name}]({page})" for name, page in links.items())
    client.set_experiment_tag(experiment, NOTE, f"{said}:\n\n{listed}\n")


def view_links(tags: Mapping[str, str], experiment: str) -> dict[str, str]:
    """Return the address of each view within MLflow's page, by its name, from an experiment's tags; in their order."""
    page = f"#/experiments/{experiment}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    views = {key: json.loads(tags[VIEW + key])["name"] for key in json.loads(tags.get(ORDER, "[]"))}
    return {name: f"{page}&viewStateShareKey={key}" for key, name in views.items()} or {"All runs": page}
