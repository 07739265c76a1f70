"""A panel of changes: how much each run differs from a reference, seed by seed, sorted."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from deeprec.evaluation.claims import interval
from deeprec.evaluation.curves import Curves
from deeprec.evaluation.figure_style import COLOURS, GREY
from deeprec.evaluation.hover import say


def changes(curves: list[Curves], reference: str, column: str) -> list[tuple[str, np.ndarray]]:
    """Return each run's label and its score less the reference's, (n_seeds,) stars, the largest mean first.

    Of seeds that diverged on either side there is no difference.
    """
    scores = {curve.label: curve.scores(column) for curve in curves}
    found = []
    for label, values in scores.items():
        if label != reference:
            difference = values - scores[reference]
            found.append((label, difference[np.isfinite(difference)]))
    return sorted(found, key=lambda row: -row[1].mean() if len(row[1]) else np.inf)


def draw_changes(axis: Axes, curves: list[Curves], reference: str, column: str) -> None:
    """Draw a row a run: the mean change and its 95 % interval over seeds, filled where that leaves out 0."""
    rows = changes(curves, reference, column)
    heights = np.arange(len(rows))[::-1]
    axis.axvline(0, color=GREY, linewidth=1)
    for y, (label, values) in zip(heights, rows, strict=True):
        if not len(values):
            axis.annotate("diverged", (0, y), (6, 0), textcoords="offset points", va="center", fontsize=6.5)
            continue
        low, high = interval(values) if len(values) > 1 else (values[0], values[0])
        clear = len(values) > 1 and (low > 0 or high < 0)
        colour = COLOURS[1] if values.mean() > 0 else COLOURS[0]
        axis.plot([low, high], [y, y], color=colour)
        axis.plot(values.mean(), y, "o", color=colour, markersize=5, markerfacecolor=colour if clear else "white")
        say(axis, values.mean(), y, f"{label}: {values.mean():+.4f} ({low:+.4f} to {high:+.4f})")
        right = values.mean() >= 0
        axis.annotate(f"{values.mean():+.4f}", (high if right else low, y), (4 if right else -4, 0),
                      textcoords="offset points", ha="left" if right else "right", va="center", fontsize=6.5,
                      color=colour)  # fmt: skip
    axis.set_yticks(heights, [label for label, _ in rows], fontsize=7)
    axis.tick_params(axis="y", length=0)
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.margins(x=0.35, y=0.06)  # room for the numbers
