"""The figure of the final table: every model on every split."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deeprec.evaluation.figure_style import COLOURS, GREY, LINE, STYLE, draw_head, head_lines
from deeprec.evaluation.hover import say


def draw_final(table: pd.DataFrame, splits: list[str], dataset: str, n_seeds: int) -> Figure:
    """Draw final.csv: a panel a split, a line a model, its mean test RMSE with the deviation over seeds.

    A mean that leads its split with confidence is filled; the paper's values stand apart, as hollow squares.
    """
    with mpl.rc_context(STYLE):
        width, y_of_model = 1.3 + 1.9 * len(splits), np.arange(len(table))[::-1]
        spread = f"mean ± deviation of {n_seeds} seeds" if n_seeds > 1 else "one seed, so no spread"
        subtitle = f"{dataset} · {spread}; filled: best with confidence (95 %, paired by seed)"
        head = head_lines("Test RMSE of every model on every split", subtitle, width)
        figure = Figure(figsize=(width, 0.27 * len(table) + 0.8 + LINE * (len(head) + 1)))
        grid = figure.subplots(1, len(splits), squeeze=False, sharex=True, sharey=True)[0]
        draw_head(figure, head)
        for axis, split in zip(grid, splits, strict=True):
            _draw_split(axis, table, split, y_of_model)
        for axis in grid:
            axis.tick_params(axis="y", length=0)
        grid[0].set_yticks(y_of_model, table["model"])
        grid[0].margins(x=0.32, y=0.06)
        if table[[f"paper_{split}" for split in splits]].notna().any(axis=None):
            square = grid[0].plot([], [], "s", color=GREY, markerfacecolor="white", markersize=4)
            figure.legend(square, ["paper, on Netflix"], loc="outside lower right")
    return figure


def _draw_split(axis: Axes, table: pd.DataFrame, split: str, y_of_model: np.ndarray) -> None:
    score, deviation, best = (table[f"{name}_{split}"] for name in ("rmse", "sd", "best"))
    axis.plot(table[f"paper_{split}"], y_of_model - 0.28, "s", color=GREY, markerfacecolor="white", markersize=4)
    for x, y, model in zip(table[f"paper_{split}"], y_of_model - 0.28, table["model"], strict=True):
        if np.isfinite(x):
            say(axis, x, y, f"{model} on {split}: {x:.4f}, the paper on Netflix")
    for model, x, half, y, leads, lost in zip(
        table["model"], score, deviation.fillna(0), y_of_model, best, table[f"diverged_{split}"], strict=True
    ):
        if np.isfinite(x):
            say(axis, x, y, f"{model} on {split}: {x:.4f} ± {half:.4f}")
        look: dict[str, Any] = {"color": COLOURS[0], "markersize": 5}
        look["markerfacecolor"] = COLOURS[0] if leads else "white"
        axis.errorbar(x, y, xerr=half, fmt="o", **look)
        words = (f"{x:.3f}" if np.isfinite(x) else "") + (f" ({lost} diverged)" if lost else "")
        at = (x + half, y) if np.isfinite(x) else (axis.get_xlim()[0], y)
        axis.annotate(words, at, (4, 0), textcoords="offset points", va="center", fontsize=7, color=COLOURS[0],
                      fontweight="bold" if leads else "normal")  # fmt: skip
    n_test = int(table[f"n_test_{split}"].iloc[0])
    axis.set_title(f"{split}: {n_test:,} test ratings", fontsize=8, loc="left")
    axis.set_xlabel("Test RMSE (stars)")
