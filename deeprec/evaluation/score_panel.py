"""A panel of scores: every seed of a run a point, and their mean, beside the authors' program and the paper."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from deeprec.evaluation.curves import Curves
from deeprec.evaluation.figure_style import COLOURS, GREY
from deeprec.evaluation.hover import say

BESIDE = 0.18  # of a run's place, to the right: where the authors' program is drawn
HOLLOW: dict[str, Any] = {"color": "black", "markerfacecolor": "none", "markersize": 4, "markeredgewidth": 0.8}


def draw_scores(axis: Axes, curves: list[Curves], original: list[Curves], paper: dict[str, float], score: str) -> None:
    """Draw each run's score: every seed a point, means joined by a line; the authors' program and the paper apart."""
    x_of_run = np.arange(len(curves))
    scores = [[m[score] for m in curve.metrics if m["status"] == "finished"] for curve in curves]
    means = np.array([np.mean(values) if values else np.nan for values in scores])
    for x, (curve, values) in enumerate(zip(curves, scores, strict=True)):
        axis.plot([x] * len(values), values, "o", color=COLOURS[0], markersize=3.5, alpha=0.6, markeredgewidth=0)
        if curve.n_diverged:
            axis.text(x, 0.98, f"{curve.n_diverged} of {len(curve.metrics)} diverged", rotation=90, ha="center",
                      va="top", transform=axis.get_xaxis_transform(), fontsize=6.5, color=COLOURS[1])  # fmt: skip
    # A line says that there is an order between the runs, so only numbers are joined.
    joined = all(curve.label.replace(".", "", 1).isdigit() for curve in curves)
    axis.plot(x_of_run, means, "-" if joined else "_", color=COLOURS[0], markersize=16, label="ours")
    theirs = {curve.label: curve.scores(score)[np.isfinite(curve.scores(score))] for curve in original}
    for x, (curve, mean, values) in enumerate(zip(curves, means, scores, strict=True)):
        if values:
            top = max([*values, *theirs.get(curve.label, ())])  # clear of every mark
            for value in values:
                say(axis, x, value, f"{curve.label}: {value:.4f}, one of {len(values)} seeds")
            say(axis, x, mean, f"{curve.label}: {mean:.4f}, mean of {len(values)} seeds")
            axis.annotate(f"{mean:.3f}", (x, top), (-3 if joined else 0, 4), textcoords="offset points",
                          ha="left" if joined else "center", va="bottom", fontsize=7, color=COLOURS[0])  # fmt: skip
    reference = np.array([paper.get(curve.run, np.nan) for curve in curves])
    for x, (curve, value) in enumerate(zip(curves, reference, strict=True)):
        if np.isfinite(value):
            say(axis, x, value, f"{curve.label}: {value:.4f}, the paper on Netflix")
    if np.isfinite(reference).any():
        look: dict[str, Any] = {"color": GREY, "markerfacecolor": "white", "markersize": 4, "linewidth": 1}
        axis.plot(x_of_run, reference, "s--" if joined else "s", label="paper, on Netflix", **look)
    x_of_label = {curve.label: x for x, curve in enumerate(curves)}
    for number, (label, values) in enumerate(theirs.items()):
        beside = x_of_label[label] + BESIDE
        axis.plot([beside] * len(values), values, "D", **HOLLOW, label="" if number else "authors' program")
        for value in values:
            say(axis, beside, value, f"{label}: {value:.4f}, the authors' program")
    if np.isfinite(reference).any() or original:
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    axis.set_xticks(x_of_run, [textwrap.fill(curve.label, 11) for curve in curves])
    if not joined and len(curves) > 4:  # names would run into each other
        axis.tick_params(axis="x", rotation=40)
    axis.margins(x=0.1, y=0.18)
