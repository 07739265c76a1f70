"""The figures of an ablation and of one training, drawn from the runs' own files."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deeprec.config.schema import Ablation, Panel
from deeprec.evaluation.change_panel import draw_changes
from deeprec.evaluation.curves import Curves
from deeprec.evaluation.figure_style import COLOURS, LINE, PANEL, STYLE, draw_head, head_lines
from deeprec.evaluation.line_panel import LineEnd, Lines, draw_across, draw_lines, label_lines, mark_times
from deeprec.evaluation.score_panel import draw_scores


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
            label_lines(axis, ends)
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
        draw_scores(axis, curves, original, paper, kind.column)
        axis.set_xlabel(panel.axis)
        axis.set_ylabel(kind.y_label)
    else:
        ends = draw_lines(axis, curves, original, kind, rating_range)
        axis.set_xlabel(kind.x_label)
        draw_across(axis, panel.lines)
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
        finish=mark_times,
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
