"""What all figures share: colours, fonts, the lines above the panels, and how they are written."""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from deeprec.evaluation.hover import with_marks
from deeprec.runtime.files import replacing

# Okabe & Ito's palette, told apart by every kind of colour vision; markers and dashes repeat the distinction.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F"]
DASHES = ["-", "--", "-.", (0, (1, 1))]
GREY = "#6B6B6B"
PANEL = (3.5, 2.6)  # inches; one panel fits a column
LINE = 0.15  # inches a line of the head
STYLE: dict[Any, Any] = {
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


def head_lines(title: str, subtitle: str, width: float) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines above the panels and their looks, wrapped to a width in inches."""
    bold, soft = {"fontsize": 9, "fontweight": "bold"}, {"fontsize": 7, "color": GREY}
    lines = [(line, bold) for line in textwrap.wrap(title, int(12.5 * width))]
    return lines + [(line, soft) for line in textwrap.wrap(subtitle, int(19 * width))]


def draw_head(figure: Figure, head: list[tuple[str, dict[str, Any]]]) -> None:
    """Write the lines above the panels, and leave them the room."""
    height = figure.get_figheight()
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine), "STYLE asks for it"
    engine.set(rect=(0, 0, 1, 1 - LINE * (len(head) + 1) / height))
    for number, (line, look) in enumerate(head):
        figure.text(0.02, 1 - LINE * (number + 0.4) / height, line, va="top", **look)


def save(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all: PNG at 2×, SVG without a date, so that the same figure is the same file.

    An SVG says its values under the pointer.
    """
    with replacing(path) as beside, mpl.rc_context(STYLE):
        figure.savefig(beside, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)
        if path.suffix == ".svg":
            beside.write_text(with_marks(beside.read_text(encoding="utf-8"), figure), encoding="utf-8")
