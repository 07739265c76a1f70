"""Values under the pointer: at the place where the figure draws them, and nowhere else."""

import re

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from deeprec.evaluation.figure_style import STYLE, save
from deeprec.evaluation.hover import MOST, say, say_line


def marks(path) -> list[tuple[float, float, str]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4"><title>(.*?)</title>', path.read_text())
    return [(float(x), float(y), words) for x, y, words in found]


def test_a_mark_lies_on_the_point_that_it_names(tmp_path):
    """matplotlib draws each marker with a <use> at its place, in the SVG's units: those are the reference."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3, 2))
        axis = figure.subplots()
        axis.plot([1, 2, 4], [0.5, 0.7, 0.6], "o", gid="points")
        for x, y in ((1, 0.5), (2, 0.7), (4, 0.6)):
            say(axis, x, y, f"A & B: {y}")
    save(figure, tmp_path / "figure.svg")
    drawn = re.search(r'<g id="points">(.*?)</g>\s*</g>', (tmp_path / "figure.svg").read_text(), re.DOTALL)[1]
    places = re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', drawn)
    expected = [(float(x), float(y)) for x, y in places]
    found = marks(tmp_path / "figure.svg")
    np.testing.assert_allclose([(x, y) for x, y, _ in found], expected, atol=0.06)  # written to a tenth
    assert [words for *_, words in found] == ["A &amp; B: 0.5", "A &amp; B: 0.7", "A &amp; B: 0.6"]


def test_what_a_panel_does_not_show_says_nothing_and_a_long_line_says_some(tmp_path):
    figure = Figure()
    axis = figure.subplots()
    axis.set(xlim=(0, 10), ylim=(0, 1))
    say(axis, 5, 2, "above")
    say_line(axis, np.linspace(0, 10, 1000), np.full(1000, 0.5), "run", "step")
    say_line(axis, np.array([1.0, np.nan]), np.array([np.nan, 0.2]), "diverged", "step")
    save(figure, tmp_path / "figure.svg")
    words = [words for *_, words in marks(tmp_path / "figure.svg")]
    assert MOST / 2 < len(words) <= MOST and words[0] == "run: 0.5000 (step 0)"


def test_a_figure_without_marks_is_matplotlib_s(tmp_path):
    figure = Figure()
    figure.subplots()
    save(figure, tmp_path / "figure.svg")
    assert "<circle" not in (tmp_path / "figure.svg").read_text()
