"""The figures: one style, each panel of an ablation drawn from the runs' own files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deeprec.files import replacing

# Okabe & Ito's palette, told apart by every kind of colour vision; markers and dashes repeat the distinction.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F"]
DASHES = ["-", "--", "-.", (0, (1, 1))]
GREY = "#6B6B6B"
PANEL = (3.5, 2.9)  # inches; one panel fits a column
STYLE = {
    "font.size": 8,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "svg.hashsalt": "deeprec",  # the same figure gives the same bytes
    "figure.constrained_layout.use": True,
}
AXES = {
    "best": "Validation RMSE (stars)",
    "valid": "Validation RMSE (stars)",
    "train": "Training RMSE (stars)",
    "steps": "Training RMSE (stars)",
}


@dataclass(frozen=True)
class Curves:
    """A run's trainings, one a seed: histories by epoch, training curves by step, and metrics."""

    label: str
    run: str
    histories: list[pd.DataFrame] = field(default_factory=list)
    steps: list[pd.DataFrame] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def n_diverged(self) -> int:
        """How many seeds diverged."""
        return sum(metrics["status"] == "diverged" for metrics in self.metrics)


def draw_ablation(ablation: dict[str, Any], curves: list[Curves], dataset: str) -> Figure:
    """Draw an ablation's panels side by side: title, data set and seeds on top, the paper's values where given."""
    panels = ablation.get("panels", [{"show": "valid"}])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PANEL[0] * len(panels), PANEL[1] + 0.5))
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, panel in zip(axes, panels, strict=True):
            if panel["show"] == "best":
                _draw_best(axis, curves, ablation.get("paper", {}), panel.get("axis", ""))
            else:
                _draw_curves(axis, curves, panel["show"])
            axis.set_ylabel(AXES[panel["show"]])
        n_seeds = len(curves[0].metrics)
        spread = f"mean and range of {n_seeds} seeds" if n_seeds > 1 else "one seed, so no spread is shown"
        figure.suptitle(f"{ablation['title']}\n", fontsize=9, fontweight="bold", x=0.02, ha="left")
        figure.text(0.02, 0.925, f"{dataset} · {spread}", fontsize=7, color=GREY, va="top")
    return figure


def _draw_best(axis: Axes, curves: list[Curves], paper: dict[str, float], name: str) -> None:
    """Each run's best validation RMSE: every seed a point, their mean a line; the paper's values apart."""
    place = np.arange(len(curves))
    for x, curve in zip(place, curves, strict=True):
        values = [m["valid_rmse"] for m in curve.metrics if m["status"] == "finished"]
        axis.plot([x] * len(values), values, "o", color=COLOURS[0], markersize=3.5, alpha=0.6, markeredgewidth=0)
        if curve.n_diverged:
            axis.text(x, 0.98, f"{curve.n_diverged} diverged", transform=axis.get_xaxis_transform(), rotation=90,
                      ha="center", va="top", fontsize=6.5, color=COLOURS[1])  # fmt: skip
    means = [np.mean([m["valid_rmse"] for m in c.metrics if m["status"] == "finished"] or [np.nan]) for c in curves]
    axis.plot(place, means, "-", color=COLOURS[0])
    for x, mean in zip(place, means, strict=True):
        if np.isfinite(mean):
            axis.annotate(f"{mean:.3f}", (x, mean), (0, 6), textcoords="offset points", ha="center", fontsize=7, color=COLOURS[0])
    reference = [paper.get(curve.run, np.nan) for curve in curves]
    if np.isfinite(reference).any():
        axis.plot(place, reference, "s--", color=GREY, markerfacecolor="white", markersize=4, linewidth=1)
        _label_end(axis, place, reference, "paper, on Netflix", GREY, -9)
        _label_end(axis, place, means, "ours", COLOURS[0], 14)
    axis.set_xticks(place, [curve.label for curve in curves])
    axis.set_xlabel(name)
    axis.margins(x=0.08, y=0.15)


def _label_end(axis: Axes, x: np.ndarray, y: list[float], text: str, colour: str, shift: float) -> None:
    axis.annotate(text, (x[-1], y[-1]), (0, shift), textcoords="offset points", ha="right", va="center", fontsize=7, color=colour)


def _draw_curves(axis: Axes, curves: list[Curves], show: str) -> None:
    """A line a run, the mean over seeds, in a band from the lowest to the highest seed."""
    ends = []
    for number, curve in enumerate(curves):
        x, values = _stack(curve, show)
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
        mean = values.mean(0)  # NaN from where the first seed stopped
        axis.plot(x, mean, color=colour, linestyle=dash, label=curve.label)
        if len(values) > 1:
            axis.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
        finite = np.flatnonzero(np.isfinite(mean))
        if len(finite):
            last = finite[-1]
            if curve.n_diverged:
                axis.plot(x[last], mean[last], "x", color=colour, markersize=6, markeredgewidth=1.6)
            ends.append((float(mean[last]), curve, colour))
    axis.set_xlabel("Step (mini-batch)" if show == "steps" else "Epoch")
    _zoom(axis, curves, show)
    _label_lines(axis, ends)


def _stack(curve: Curves, show: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x and the seeds' values, (n_seeds, n_points), NaN after the end of a diverged one."""
    frames = curve.steps if show == "steps" else curve.histories
    x_name, y_name = ("step", "train_rmse") if show == "steps" else ("epoch", f"{show}_rmse")
    longest = max(frames, key=len)
    values = np.full((len(frames), len(longest)), np.nan)
    for row, frame in zip(values, frames, strict=True):
        row[: len(frame)] = frame[y_name]
    if show == "steps":
        values = _smooth(values)
    return longest[x_name].to_numpy(), values


def _smooth(values: np.ndarray, points: int = 200) -> np.ndarray:
    """Return a centred moving root mean square over about 1/points of the curve: mini-batches are noisy."""
    width = max(1, values.shape[1] // points)
    if width == 1:
        return values
    square = pd.DataFrame(values.T**2).rolling(2 * width + 1, center=True, min_periods=1).mean()
    return np.sqrt(square.to_numpy().T)


def _zoom(axis: Axes, curves: list[Curves], show: str) -> None:
    """Cut off the first epochs' fall, which would flatten everything after it."""
    ends = [values[np.isfinite(values)] for _, values in (_stack(curve, show) for curve in curves)]
    tails = np.concatenate([end[len(end) // 10 :] for end in ends if len(end)] or [np.array([0.0, 1.0])])
    low, high = tails.min(), np.percentile(tails, 98)
    pad = 0.05 * (high - low) or 0.05
    axis.set_ylim(low - pad, high + pad)


def _label_lines(axis: Axes, ends: list[tuple[float, Curves, str]]) -> None:
    """Name each line at its right end, in its colour, moved apart where they would overlap."""
    low, high = axis.get_ylim()
    gap = (high - low) * 0.062
    ends = sorted(ends, key=lambda end: end[0])
    places = [min(max(value, low), high) for value, _, _ in ends]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    over = max(0.0, places[-1] - high) if places else 0.0
    for i in range(len(places) - 1, -1, -1):  # push back what went over the top
        places[i] -= over
        if i and places[i] - over < places[i - 1] + gap:
            continue
        break
    for place, (_, curve, colour) in zip(places, ends, strict=True):
        text = curve.label + (f" (diverged, {curve.n_diverged} of {len(curve.metrics)})" if curve.n_diverged else "")
        axis.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), fontsize=7, color=colour,
                      va="center", annotation_clip=False)  # fmt: skip


def draw_curve(history: pd.DataFrame, title: str) -> Figure:
    """Draw one training: training and validation RMSE by epoch, the best epoch marked."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=PANEL)
        axis = figure.subplots()
        for name, colour in (("train", COLOURS[1]), ("valid", COLOURS[0])):
            axis.plot(history["epoch"], history[f"{name}_rmse"], color=colour, label=name)
        best = history["valid_rmse"].idxmin() if history["valid_rmse"].notna().any() else None
        if best is not None:
            axis.plot(history["epoch"][best], history["valid_rmse"][best], "o", color=COLOURS[0], label="best")
        axis.set(xlabel="Epoch", ylabel="RMSE (stars)", title=title)
        axis.legend()
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all: PNG at 2×, SVG without a date, so that the same figure is the same file."""
    with replacing(path) as beside, mpl.rc_context(STYLE):
        figure.savefig(beside, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)
