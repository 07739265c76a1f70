"""The figures of a search, by Optuna's own plots: its history, the settings' importances, every trial's settings."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import optuna
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from optuna.visualization import matplotlib as plots

from deeprec.evaluation.figure_style import COLOURS, GREY, STYLE, draw_head, head_lines
from deeprec.evaluation.search_study import study_of
from deeprec.settings.base import Space

RMSE = "Validation RMSE (stars)"


def draw_history(study: optuna.Study) -> Axes:
    """Draw each complete trial's RMSE, and the best so far."""
    axis = plots.plot_optimization_history(study, target_name=RMSE)
    for points in axis.collections:
        points.set(color=COLOURS[0], sizes=[12])
    for line in axis.lines:
        line.set(color=COLOURS[1], alpha=1, label="best so far", drawstyle="steps-post")
    axis.legend(loc="upper right", fontsize=7)
    return axis


def draw_importances(study: optuna.Study) -> Axes:
    """Draw what share each setting has in being among the best tenth of the trials (PED-ANOVA)."""
    axis = plots.plot_param_importances(study, target_name=RMSE)
    for bar in axis.patches:
        bar.set(color=COLOURS[0], height=0.6)
    axis.set(xlabel="Importance", ylabel="")
    if legend := axis.get_legend():
        legend.remove()
    return axis


def draw_parallel(study: optuna.Study) -> Axes:
    """Draw a line a complete trial through its settings, the darker the better."""
    axis = plots.plot_parallel_coordinate(study, target_name=RMSE)
    figure = axis.figure
    axis.set_xticks(axis.get_xticks(), [label.get_text() for label in axis.get_xticklabels()], rotation=15, ha="right")
    for lines in axis.collections:
        lines.set(cmap="cividis", alpha=0.7, linewidth=1)
    for part in figure.axes:
        part.yaxis.set_minor_formatter(NullFormatter())  # of a logarithm, where only decades have room
        for label in part.get_yticklabels():
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5})
    return axis


# Headline, plot, and inches of width: some, and for each setting.
PLOTS: dict[str, tuple[str, Callable[[optuna.Study], Axes], tuple[float, float]]] = {
    "history": ("Validation RMSE by trial", draw_history, (4.5, 0)),
    "importances": ("Which settings mattered", draw_importances, (4.5, 0)),
    "parallel": ("Every trial's settings", draw_parallel, (3.0, 0.9)),
}


def draw_search(kind: str, trials: pd.DataFrame, spaces: Mapping[str, Space], run: str, dataset: str) -> Figure:
    """Draw one of `PLOTS` for a table of trials (`read_trials`) of a run on a data set, by its title."""
    headline, draw, (some, each) = PLOTS[kind]
    width = some + each * len(spaces)
    counts = ", ".join(f"{count} {state}" for state, count in trials["state"].value_counts().items())
    head = head_lines(headline, f"{run} on {dataset} · {counts}", width)
    with mpl.rc_context({**STYLE, "backend": "agg"}), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", "Attempting to set identical low and high", UserWarning)  # one value in all
        study = study_of(trials, spaces)
        if len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))) < 2:
            return _nothing(head, width)
        axis = draw(study)
        figure = axis.get_figure()
        assert isinstance(figure, Figure)
        plt.close(figure)  # pyplot keeps it otherwise
        figure.set_size_inches(width, 2.8)
        figure.set_layout_engine("constrained")
        for place in ("left", "center"):
            axis.set_title("", loc=place)
        for part in figure.axes:
            _restyle(part)
        draw_head(figure, head)
    return figure


def _nothing(head: list[tuple[str, dict[str, Any]]], width: float) -> Figure:
    figure = Figure(figsize=(width, 1.2))
    draw_head(figure, [*head, ("Fewer than two trials were complete: nothing to draw.", {"fontsize": 8})])
    return figure


def _restyle(axis: Axes) -> None:
    """Give an axis of Optuna's, drawn in a style of its own, the look of all other figures."""
    axis.set_facecolor("none")
    axis.tick_params(colors="black", labelsize=7)
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_color(GREY)
    for text in (axis.xaxis.label, axis.yaxis.label, *axis.texts):
        text.set(color="black", fontsize=7)
