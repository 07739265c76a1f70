"""A panel of changes: differences by seed, sorted, and marked where they are clear."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from deeprec.evaluation.change_panel import changes, draw_changes
from deeprec.evaluation.curves import Curves


def scored(label: str, scores: list[float | None]) -> Curves:
    metrics = [{"status": "finished" if s is not None else "diverged", "test_rmse": s} for s in scores]
    return Curves(label, label, [], [], metrics)


CURVES = [
    scored("whole", [1.0, 1.1, 1.2]),
    scored("a", [1.01, 1.112, 1.211]),
    scored("b", [0.9, 1.2, 1.15]),
    scored("c", [1.5, None, 1.7]),
    scored("d", [None, None, None]),
]


def test_changes_are_paired_by_seed_and_sorted():
    found = dict(rows := changes(CURVES, "whole", "test_rmse"))
    assert [label for label, _ in rows] == ["c", "a", "b", "d"]
    np.testing.assert_allclose(found["a"], [0.01, 0.012, 0.011])
    np.testing.assert_allclose(found["c"], [0.5, 0.5])
    assert len(found["d"]) == 0


def test_what_is_clear_is_filled_and_every_row_says_its_change():
    axis = Figure().subplots()
    draw_changes(axis, CURVES, "whole", "test_rmse")
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["c", "a", "b", "d"]
    assert [text.get_text() for text in axis.texts] == ["+0.5000", "+0.0110", "-0.0167", "diverged"]
    marks = [line for line in axis.lines if line.get_marker() == "o"]
    hollow = [mark.get_markerfacecolor() == "white" for mark in marks]
    assert hollow == [False, False, True]  # c, a, b
    low, high = axis.lines[3].get_xdata()  # after the line at 0: c's interval and mark, then a's
    assert low < 0.011 < high


@pytest.mark.parametrize("scores", [[1.0], [1.0, 1.0]])
def test_one_seed_or_no_spread_is_drawn(scores):
    axis = Figure().subplots()
    draw_changes(axis, [scored("whole", scores), scored("a", [s + 0.1 for s in scores])], "whole", "test_rmse")
    assert axis.texts[0].get_text() == "+0.1000"
