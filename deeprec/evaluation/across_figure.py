"""The figure of all claims on all data sets: a row a claim, a column a data set, a small dot and bar in each cell."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deeprec.evaluation.across import Found
from deeprec.evaluation.claims import NOT_RUN
from deeprec.evaluation.figure_style import COLOURS, GREY, LINE, STYLE, draw_head, head_lines
from deeprec.evaluation.hover import say
from deeprec.evaluation.tables import records

ROW, COLUMN, NAMES = 0.3, 1.9, 4.4  # inches: a claim's height, a data set's width, the claims' names
LINEAR = 0.5  # percent of the ratings' range: smaller effects are drawn to scale, larger ones by their logarithm
# Shape and filling say the verdict, too, for those who tell no colours apart.
LOOKS: dict[str, dict[str, Any]] = {
    "held": {"marker": "o", "color": COLOURS[0]},
    "not held": {"marker": "X", "color": COLOURS[1]},
    "unclear": {"marker": "o", "color": GREY, "markerfacecolor": "white"},
}
PAPER: dict[str, Any] = {"marker": "s", "color": GREY, "markerfacecolor": "white", "markersize": 3.5}
NETFLIX = 4.0  # stars, the range of its ratings


def draw_across(found: Sequence[Found], table: pd.DataFrame) -> Figure:
    """Draw the table of `across_table`; effects in percent of the ratings' range."""
    claims = table.drop_duplicates("claim")
    y_of_claim = {name: -number for number, name in enumerate(claims["claim"])}
    with mpl.rc_context(STYLE):
        width = NAMES + COLUMN * len(found)
        subtitle = "effect in percent of the ratings' scale, with the 95 % interval over paired seeds"
        head = head_lines("The paper's claims across data sets", subtitle, width)
        figure = Figure(figsize=(width, ROW * len(claims) + 0.9 + LINE * (len(head) + 2)))
        grid = figure.subplots(1, len(found), squeeze=False, sharex=True, sharey=True)[0]
        draw_head(figure, head)
        for axis, one in zip(grid, found, strict=True):
            rows = table[table["dataset"] == one.dataset]
            axis.set_xscale("symlog", linthresh=LINEAR, linscale=0.6)
            axis.axvline(0, color=GREY, linewidth=0.8)
            for row in records(rows):
                _draw_cell(axis, y_of_claim[row["claim"]], row, one)
            axis.set_title("\n".join([one.title, *one.size.split(", ", 1)]), fontsize=7, loc="left")
            axis.set_xlabel("% of the scale")
            axis.tick_params(axis="y", length=0)
        ticks = [-10, -1, 0, 1, 10]
        grid[0].set_xticks(ticks, [f"{tick:+g}".replace("-", "−") if tick else "0" for tick in ticks])
        names = [f"{row['experiment']} · {row['statement']}" for row in records(claims)]
        grid[0].set_yticks(list(y_of_claim.values()), [textwrap.fill(name, 62) for name in names], fontsize=7)
        grid[0].set_ylim(-len(claims) + 0.4, 0.6)
        marks = [Line2D([], [], linestyle="", markersize=5, label=name, **look) for name, look in LOOKS.items()]
        marks.append(Line2D([], [], linestyle="", label="the paper, on Netflix", **PAPER))
        figure.legend(handles=marks, loc="outside lower right", ncols=4)
    return figure


def _draw_cell(axis: Axes, y: float, row: dict[str, Any], one: Found) -> None:
    verdict = row["verdict"]
    if verdict == NOT_RUN or not np.isfinite(row["effect"]):
        _write(axis, y, verdict)
        return
    if row["asserts"] == "diverges":
        _write(axis, y, f"{verdict}: {row['effect']:.0%} of seeds")
        return
    percent, look = 100 / one.rating_range, LOOKS[verdict]
    axis.plot([row["low"] * percent, row["high"] * percent], [y, y], color=look["color"], linewidth=1.2)
    axis.plot(row["share"], y, markersize=5, **look)
    if np.isfinite(row["paper_effect"]):
        axis.plot(100 * row["paper_effect"] / NETFLIX, y - 0.28, **PAPER)
    say(axis, row["share"], y, f"{row['statement']}: {verdict}, {row['effect']:+.4f} stars on {one.title}")


def _write(axis: Axes, y: float, words: str) -> None:
    at = ("axes fraction", "data")
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # the line at zero does not run through the words
    axis.annotate(words, (0.5, y), xycoords=at, ha="center", va="center", fontsize=6.5, color=GREY, bbox=behind)
