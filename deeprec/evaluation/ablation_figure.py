"""The figures of an ablation and of one training, drawn from the runs' own files."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deeprec.config.schema import Ablation, Panel
from deeprec.evaluation.change_panel import draw_changes
from deeprec.evaluation.curves import Curves
from deeprec.evaluation.figure_style import COLOURS, DASHES, GREY, LINE, PANEL, STYLE, draw_head, head_lines
from deeprec.evaluation.hover import say, say_line

# Of the ratings' range, 3 stars where it is 1 to 5: no scale of an RMSE reaches further, whatever a diverging run does.
WORST_SHOWN = 0.75


BESIDE = 0.18  # of a run's place, to the right: where the authors' program is drawn
HOLLOW: dict[str, Any] = {"color": "black", "markerfacecolor": "none", "markersize": 4, "markeredgewidth": 0.8}

LineEnd = tuple[float, Curves, str]  # a line's last value (stars), its run and its colour


def draw_ablation(
    ablation: Ablation, curves: list[Curves], dataset: str, rating_range: float, original: Sequence[Curves] = ()
) -> Figure:
    """Draw an ablation's panels, two a row, under its title, the data set's name and size, and what the spread is.

    The paper's values, where the ablation has them, are drawn apart from ours, and so are `original`, the same runs by
    the authors' program. `rating_range` is the width of the ratings' scale, stars.
    """
    panels = ablation.panels
    n_columns = min(2, len(panels))
    n_rows = -(-len(panels) // n_columns)
    with mpl.rc_context(STYLE):
        width = PANEL[0] * n_columns
        lines = any(isinstance(PANELS[panel.show], Lines) for panel in panels)
        dotted = " · dotted: the authors' program" if original and lines else ""
        head = head_lines(ablation.title, f"{dataset}{_size(curves)} · {_spread(curves, panels)}{dotted}", width)
        figure = Figure(figsize=(width, PANEL[1] * n_rows + LINE * (len(head) + 1)))
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        draw_head(figure, head)
        drawn = []
        for axis, panel in zip(grid.flat, panels, strict=False):
            chosen = [curve for curve in curves if panel.runs is None or curve.label in (*panel.runs, panel.reference)]
            theirs = [curve for curve in original if any(curve.label == ours.label for ours in chosen)]
            drawn.append((axis, panel.show, _draw_panel(axis, chosen, theirs, panel, ablation.paper, rating_range)))
        for axis in grid.flat[len(panels) :]:
            axis.set_visible(False)
        _share_scale(drawn)
        for axis, _, ends in drawn:
            _label_lines(axis, ends)
    return figure


def _size(curves: list[Curves]) -> str:
    """Say how large the training data are, where all runs share them."""
    sizes = {(m["n_train"], m["n_users"], m["n_items"]) for curve in curves for m in curve.metrics}
    if len(sizes) > 1:
        return ", several splits"
    n_train, n_users, n_items = sizes.pop()
    return f", {n_train:,} training ratings ({n_users:,} users, {n_items:,} items)"


def _spread(curves: list[Curves], panels: list[Panel]) -> str:
    n_seeds = max(len(curve.metrics) for curve in curves)
    if n_seeds == 1:
        return "one seed, so no spread"
    if all(panel.show == "change" for panel in panels):
        return f"mean and 95 % interval of {n_seeds} seeds, filled where it leaves out 0"
    return f"mean and range of {n_seeds} seeds"


def _draw_panel(
    axis: Axes,
    curves: list[Curves],
    original: list[Curves],
    panel: Panel,
    paper: dict[str, float],
    rating_range: float,
) -> list[LineEnd]:
    kind, ends = PANELS[panel.show], []
    if isinstance(kind, Changes):
        draw_changes(axis, curves, panel.reference, kind.column)
        axis.set_xlabel(kind.x_label)
    elif isinstance(kind, Scores):
        _draw_scores(axis, curves, original, paper, kind.column)
        axis.set_xlabel(panel.axis)
        axis.set_ylabel(kind.y_label)
    else:
        ends = _draw_curves(axis, curves, original, kind, rating_range)
        axis.set_xlabel(kind.x_label)
        kind.finish(axis, curves)
        axis.set_ylabel(kind.y_label)
    axis.set_title(panel.title, fontsize=8, loc="left")
    return ends


def _share_scale(drawn: Sequence[tuple[Axes, str, list[LineEnd]]]) -> None:
    """Give panels that show the same quantity the same scale, so that they can be compared by eye."""
    for quantity in {show for _, show, _ in drawn if show != "change"}:
        same = [axis for axis, show, _ in drawn if show == quantity]
        lows, highs = zip(*(axis.get_ylim() for axis in same), strict=True)
        for axis in same:
            axis.set_ylim(min(lows), max(highs))


def _draw_scores(axis: Axes, curves: list[Curves], original: list[Curves], paper: dict[str, float], score: str) -> None:
    """Each run's score: every seed a point, their mean joined by a line; the authors' program and the paper apart."""
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
    theirs = [curve.scores(score)[np.isfinite(curve.scores(score))] for curve in original]
    for x, (curve, mean, values) in enumerate(zip(curves, means, scores, strict=True)):
        if values:
            top = max([*values, *(theirs[x] if original else ())])  # clear of every mark
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
    for x, (curve, values) in enumerate(zip(original, theirs, strict=True)):
        axis.plot([x + BESIDE] * len(values), values, "D", **HOLLOW, label="authors' program" if x == 0 else "")
        for value in values:
            say(axis, x + BESIDE, value, f"{curve.label}: {value:.4f}, the authors' program")
    if np.isfinite(reference).any() or original:
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    axis.set_xticks(x_of_run, [textwrap.fill(curve.label, 11) for curve in curves])
    if not joined and len(curves) > 4:  # names would run into each other
        axis.tick_params(axis="x", rotation=40)
    axis.margins(x=0.1, y=0.18)


def _draw_curves(
    axis: Axes, curves: list[Curves], original: list[Curves], kind: "Lines", rating_range: float
) -> list[LineEnd]:
    """A line a run, the mean over seeds, in a band from the lowest to the highest seed; return the ends.

    A run by the authors' program is a thin dotted line of the same colour.
    """
    ends = []
    for number, curve in enumerate(curves):
        x, values = _stack(curve, kind)
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
        mean = values.mean(0)  # NaN from where the first seed stopped
        axis.plot(x, mean, color=colour, linestyle=dash)
        say_line(axis, x, mean, curve.label, kind.x)
        if len(values) > 1:
            axis.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
        finite = np.flatnonzero(np.isfinite(mean))
        if curve.n_diverged and len(finite):
            axis.plot(
                x[finite[-1]],
                mean[finite[-1]],
                "x",
                color=colour,
                markersize=6,
                markeredgewidth=1.6,
                clip_on=False,
            )
        end = float(mean[finite[-1]]) if len(finite) else np.inf
        ends.append((end, curve, colour))
    for curve in original:
        at = next(number for number, ours in enumerate(curves) if ours.label == curve.label)
        x, values = _stack(curve, kind)
        axis.plot(x, values.mean(0), color=COLOURS[at % len(COLOURS)], linestyle=":", linewidth=0.9)
        say_line(axis, x, values.mean(0), f"{curve.label}, the authors' program", kind.x)
    axis.set_ylim(*zoomed([_stack(curve, kind)[1] for curve in [*curves, *original]], rating_range))
    return ends


def _stack(curve: Curves, kind: "Lines") -> tuple[np.ndarray, np.ndarray]:
    """Return x and the seeds' values, (n_seeds, n_points), NaN after the end of a diverged one."""
    frames: list[pd.DataFrame] = getattr(curve, kind.frames)
    longest = max(frames, key=len)
    x, values = np.full((2, len(frames), len(longest)), np.nan)
    for x_row, row, frame in zip(x, values, frames, strict=True):
        x_row[: len(frame)], row[: len(frame)] = frame[kind.x], frame[kind.y]
    if kind.smooth:
        values = _smooth(values)
    return np.nanmean(x, 0), values  # only seconds differ between seeds


def times_to(curve: Curves, goal: Curves) -> np.ndarray:
    """Return the seconds until a run first is as good on validation as `goal` ever was, (n_seeds,), seed by seed.

    NaN where it never is.
    """
    pairs = zip(curve.histories, goal.histories, strict=True)
    return np.array([ours["seconds"][ours["valid_rmse"] <= theirs["valid_rmse"].min()].min() for ours, theirs in pairs])


def _mark_times(axis: Axes, curves: list[Curves]) -> None:
    """Draw the first run's best, and when each run is as good: in seconds, and against the first run's."""
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.margins(x=0.1)
    goal = curves[0]
    best = np.mean([frame["valid_rmse"].min() for frame in goal.histories])
    axis.axhline(best, color=GREY, linewidth=0.8, linestyle="--", label=f"best of {goal.label}: {best:.3f}")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    base = times_to(goal, goal)
    for number, curve in enumerate(curves):
        times = times_to(curve, goal)
        if np.isnan(times).any():  # a mean of those that arrive would flatter
            continue
        colour = COLOURS[number % len(COLOURS)]
        words = f"{times.mean():.2g} s" if times.mean() < 10 else f"{times.mean():,.0f} s"
        if curve is not goal:
            words += f"\n1/{1 / (times / base).mean():.2g}"
        axis.plot(times.mean(), best, "o", color=colour, markersize=4)
        axis.annotate(words, (times.mean(), best), (0 if curve is goal else -3, -4), textcoords="offset points",
                      ha="center" if curve is goal else "right", va="top", fontsize=7, color=colour)  # fmt: skip


def _smooth(values: np.ndarray, points: int = 200) -> np.ndarray:
    """Return a centred moving root mean square over about 1/points of the curve: mini-batches are noisy."""
    width = max(1, values.shape[1] // points)
    if width == 1:
        return values
    square = pd.DataFrame(values.T**2).rolling(2 * width + 1, center=True, min_periods=1).mean()
    smooth: np.ndarray = np.sqrt(square.to_numpy().T)
    return smooth


def zoomed(stacks: list[np.ndarray], rating_range: float) -> tuple[float, float]:
    """Return a scale that cuts off the first epochs' fall, which would flatten everything after it."""
    worst = WORST_SHOWN * rating_range or 1.0
    tails = [values[:, values.shape[1] // 10 :] for values in stacks]
    seen = np.concatenate([tail[np.isfinite(tail) & (tail < worst)] for tail in tails] or [np.empty(0)])
    if not len(seen):
        return 0.0, worst
    low, high = seen.min(), np.percentile(seen, 97)
    pad = 0.06 * (high - low) or worst / 60
    return low - pad, high + pad


def _label_lines(axis: Axes, ends: list[LineEnd]) -> None:
    """Name each line beside its right end, in its colour, moved apart where names would overlap."""
    low, high = axis.get_ylim()
    ends = sorted(ends, key=lambda end: end[0])
    heights = _apart([min(max(end, low), high) for end, _, _ in ends], (high - low) * 0.065, high)
    for height, (_, curve, colour) in zip(heights, ends, strict=True):
        lost = f"\ndiverged ({curve.n_diverged} of {len(curve.metrics)})" if curve.n_diverged else ""
        axis.annotate(curve.label + lost, (1.02, height), xycoords=("axes fraction", "data"), fontsize=7,
                      color=colour, va="center", annotation_clip=False)  # fmt: skip


def _apart(heights: list[float], gap: float, high: float) -> list[float]:
    """Return ascending heights at least `gap` apart, pushed down again from `high`."""
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    for i in range(len(heights) - 1, -1, -1):
        heights[i] = min(heights[i], heights[i + 1] - gap if i + 1 < len(heights) else high)
    return heights


@dataclass(frozen=True)
class Scores:
    """A panel with one score a run and seed, `column` of the metrics."""

    column: str
    y_label: str


@dataclass(frozen=True)
class Changes:
    """A panel of differences in a score, `column` of the metrics, from a reference run."""

    column: str
    x_label: str


@dataclass(frozen=True)
class Lines:
    """A panel with a line a run: column `y` against `x` of the runs' `frames`, histories or steps."""

    frames: str
    x: str
    y: str
    x_label: str
    y_label: str
    smooth: bool = False
    finish: Callable[[Axes, list[Curves]], None] = lambda axis, curves: None  # draws what else belongs there


# What a panel may show; `Panel.show` in deeprec/config/schema.py has the same names.
PANELS: dict[str, Scores | Changes | Lines] = {
    "best_valid": Scores("valid_rmse", "Best validation RMSE (stars)"),
    "test": Scores("test_rmse", "Test RMSE (stars)"),
    "change": Changes("test_rmse", "Change of test RMSE (stars): left is better"),
    "train": Lines("histories", "epoch", "train_rmse", "Epoch", "Training RMSE (stars)"),
    "valid": Lines("histories", "epoch", "valid_rmse", "Epoch", "Validation RMSE (stars)"),
    "steps": Lines("steps", "step", "train_rmse", "Step (mini-batch)", "Training RMSE (stars)", smooth=True),
    "seconds": Lines(
        "histories",
        "seconds",
        "valid_rmse",
        "Seconds of training and validation",
        "Validation RMSE (stars)",
        finish=_mark_times,
    ),
}


def draw_curve(history: pd.DataFrame, title: str) -> Figure:
    """Draw one training: training and validation RMSE by epoch, the best epoch marked."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=PANEL)
        axis = figure.subplots()
        for name, colour in (("train", COLOURS[1]), ("valid", COLOURS[0])):
            axis.plot(history["epoch"], history[f"{name}_rmse"], color=colour, label=name)
        if history["valid_rmse"].notna().any():
            best = history["valid_rmse"].argmin()
            at = history["epoch"].iloc[best], history["valid_rmse"].iloc[best]
            axis.plot(*at, "o", color=COLOURS[0], label="best")
        axis.set(xlabel="Epoch", ylabel="RMSE (stars)", title=title)
        axis.legend()
    return figure
