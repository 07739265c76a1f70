"""Values to read off a figure: invisible marks in its SVG, whose titles a browser shows under the pointer."""

from collections.abc import Iterable
from html import escape
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Mark = tuple[Axes, float, float, str]  # x and y in data coordinates, and what is said there
MOST = 40  # marks a line
RADIUS = 4.0  # points
_marks: WeakKeyDictionary[Figure, list[Mark]] = WeakKeyDictionary()


def say(axis: Axes, x: float, y: float, words: str) -> None:
    """Let a place of a figure say something."""
    _marks.setdefault(axis.get_figure(root=True), []).append((axis, x, y, words))  # type: ignore[arg-type]


def say_line(axis: Axes, x: np.ndarray, y: np.ndarray, label: str, of: str) -> None:
    """Let a line's points, (n,) each, say their values, at most MOST of them; `of` is what x is."""
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    for at in finite[:: max(1, -(-len(finite) // MOST))]:
        say(axis, float(x[at]), float(y[at]), f"{label}: {y[at]:.4f} ({of} {x[at]:,.4g})")


def with_marks(svg: str, figure: Figure) -> str:
    """Return a figure's SVG with its marks on top; those outside their panel are left out."""
    points, height = 72 / figure.dpi, 72 * figure.get_figheight()  # an SVG's unit, and its y points down
    circles = []
    for axis, x, y, words in _marks.get(figure, []):
        right, up = axis.transData.transform((x, y))
        if axis.bbox.padded(1).contains(right, up):
            place = f'cx="{right * points:.1f}" cy="{height - up * points:.1f}" r="{RADIUS:g}"'
            circles.append(f"<circle {place}><title>{escape(words)}</title></circle>")
    return _before_the_end(svg, circles) if circles else svg


def _before_the_end(svg: str, circles: Iterable[str]) -> str:
    body, end, rest = svg.rpartition("</svg>")
    return f'{body}<g fill-opacity="0" pointer-events="all">{"".join(circles)}</g>\n{end}{rest}'
