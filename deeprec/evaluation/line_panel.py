"""A panel of lines: a run's curve, its seeds as a band, by epoch, step or second, each named at its end."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from deeprec.evaluation.curves import Curves
from deeprec.evaluation.figure_style import COLOURS, DASHES, GREY
from deeprec.evaluation.hover import say_line

# Of the ratings' range, 3 stars where it is 1 to 5: no scale of an RMSE reaches further, whatever a diverging run does.
WORST_SHOWN = 0.75

LineEnd = tuple[float, Curves, str]  # a line's last value (stars), its run and its colour


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


def draw_lines(
    axis: Axes, curves: list[Curves], original: list[Curves], kind: Lines, rating_range: float
) -> list[LineEnd]:
    """Draw a line a run, the mean over seeds, in a band from the lowest to the highest seed; return the ends.

    A run by the authors' program is a thin dotted line of the same colour.
    """
    ends, stops = [], []  # where a run's mean ends since a seed diverged: (x, y, colour)
    for number, curve in enumerate(curves):
        x, values = _stack(curve, kind)
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
        mean = values.mean(0)  # NaN from where the first seed stopped
        axis.plot(x, mean, color=colour, linestyle=dash, marker="." if len(x) == 1 else None)
        say_line(axis, x, mean, curve.label, kind.x)
        if len(values) > 1:
            axis.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
        finite = np.flatnonzero(np.isfinite(mean))
        if curve.n_diverged and len(finite):
            stops.append((x[finite[-1]], mean[finite[-1]], colour))
        end = float(mean[finite[-1]]) if len(finite) else np.inf
        ends.append((end, curve, colour))
    for curve in original:
        at = next(number for number, ours in enumerate(curves) if ours.label == curve.label)
        x, values = _stack(curve, kind)
        axis.plot(x, values.mean(0), color=COLOURS[at % len(COLOURS)], linestyle=":", linewidth=0.9)
        say_line(axis, x, values.mean(0), f"{curve.label}, the authors' program", kind.x)
    low, high = zoomed([_stack(curve, kind)[1] for curve in [*curves, *original]], rating_range)
    axis.set_ylim(low, high)
    for at, y, colour in stops:
        # On the scale's end where the run left it: a mark far outside would leave the panel no room in the figure.
        axis.plot(at, min(max(y, low), high), "x", color=colour, markersize=6, markeredgewidth=1.6, clip_on=False)
    return ends


def draw_across(axis: Axes, lines: dict[str, float]) -> None:
    """Draw RMSE values across the panel, stars, each named on its line; the scale reaches to them."""
    for label, y in lines.items():
        axis.axhline(y, color=GREY, linewidth=0.8, linestyle=":")
        axis.annotate(f"{label}: {y:.3f}", (0.02, y), (0, 2), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=7, color=GREY)  # fmt: skip
    if lines:
        low, high = axis.get_ylim()
        pad = 0.06 * (max(high, *lines.values()) - min(low, *lines.values()))
        axis.set_ylim(min(low, min(lines.values()) - pad), max(high, max(lines.values()) + pad))


def _stack(curve: Curves, kind: Lines) -> tuple[np.ndarray, np.ndarray]:
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


def mark_times(axis: Axes, curves: list[Curves]) -> None:
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
            words += f"\n{_share((times / base).mean())}"
        axis.plot(times.mean(), best, "o", color=colour, markersize=4)
        axis.annotate(words, (times.mean(), best), (0 if curve is goal else -3, -4), textcoords="offset points",
                      ha="center" if curve is goal else "right", va="top", fontsize=7, color=colour)  # fmt: skip


def _share(share: float) -> str:
    """Say a share of another's time as a fraction, 1/3.2, or where it is longer as a multiple, ×3.2."""
    sign, number = ("1/", 1 / share) if share <= 1 else ("×", share)
    return f"{sign}{number:.0f}" if number >= 10 else f"{sign}{number:.2g}"


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
    points = [tail[tail < worst].max(initial=0) for tail in tails if tail.shape[1] == 1]  # of runs of one epoch
    low, high = seen.min(), max([np.percentile(seen, 97), *points])
    pad = 0.06 * (high - low) or worst / 60
    return low - pad, high + pad


def label_lines(axis: Axes, ends: list[LineEnd]) -> None:
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
