"""Figures say what they show: labels, units, the data set, the paper's values, diverged runs."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from deeprec.config.schema import Ablation, Panel
from deeprec.evaluation.ablation_figure import PANELS, draw_ablation, draw_curve
from deeprec.evaluation.curves import Curves
from deeprec.evaluation.figure_style import save
from deeprec.evaluation.line_panel import _apart, _share, times_to, zoomed

ABLATION = Ablation(
    title="Deeper is better",
    runs={"2": "depth_2", "4": "depth_4"},
    panels=[{"show": "best_valid", "axis": "Layers"}, {"show": "valid"}, {"show": "steps"}],
    paper={"depth_2": 1.146, "depth_4": 0.9615},
)


def with_panels(*panels: dict) -> Ablation:
    return ABLATION.model_copy(update={"panels": [Panel(**panel) for panel in panels]})


def curves(label: str, run: str, n_seeds: int = 3, diverged: int = 0) -> Curves:
    histories, steps, metrics = [], [], []
    for seed in range(n_seeds):
        n = 3 if seed < diverged else 10
        rmse = 1 + 1 / np.arange(1, n + 1) + 0.01 * seed
        epoch = np.arange(1, n + 1)
        history = {"epoch": epoch, "valid_rmse": rmse, "train_rmse": rmse - 0.1, "seconds": 2.0 * epoch}
        histories.append(pd.DataFrame(history))
        steps.append(pd.DataFrame({"step": np.arange(1, 4 * n + 1), "train_rmse": np.repeat(rmse, 4)}))
        lost = seed < diverged
        metrics.append(
            {
                "status": "diverged" if lost else "finished",
                "valid_rmse": None if lost else rmse[-1],
                "test_rmse": None if lost else 1.0,
                "n_train": 69575,
                "n_users": 943,
                "n_items": 1574,
            }
        )
    return Curves(label, run, histories, steps, metrics)


def texts(figure) -> str:
    found = [text.get_text() for text in figure.texts]
    for axis in figure.axes:
        found += [
            axis.get_xlabel(),
            axis.get_ylabel(),
            axis.get_title(loc="left"),
            *(t.get_text() for t in axis.texts),
        ]
        found += [tick.get_text() for tick in axis.get_xticklabels()]
        found += [t.get_text() for t in axis.get_legend().get_texts()] if axis.get_legend() else []
    return "\n".join(found)


def test_everything_is_labelled():
    said = texts(draw_ablation(ABLATION, [curves("2", "depth_2"), curves("4", "depth_4")], "MovieLens 100K", 4.0))
    for words in (
        "Deeper is better",
        "MovieLens 100K, 69,575 training ratings",
        "3 seeds",
        "Layers",
        "(stars)",
        "Epoch",
        "Step (mini-batch)",
        "paper, on Netflix",
    ):
        assert words in said


def test_drawn_values_are_the_runs():
    figure = draw_ablation(
        with_panels({"show": "best_valid"}),
        [curves("2", "depth_2"), curves("4", "depth_4")],
        "M",
        4.0,
    )
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["ours"], [1.11, 1.11])
    np.testing.assert_allclose(lines["paper, on Netflix"], [1.146, 0.9615])


def test_the_authors_program_is_drawn_apart_with_the_runs_of_its_panel():
    ours, theirs = ([curves("2", "depth_2"), curves("4", "depth_4")] for _ in range(2))
    panels = {"show": "best_valid"}, {"show": "valid", "runs": ["2"]}
    figure = draw_ablation(with_panels(*panels), ours, "MovieLens 100K", 4.0, theirs)
    scores, lines = figure.axes
    hollow = [line for line in scores.lines if line.get_marker() == "D"]
    assert [list(line.get_ydata()) for line in hollow] == [list(curve.scores("valid_rmse")) for curve in theirs]
    dotted = [line for line in lines.lines if line.get_linestyle() == ":"]
    assert len(dotted) == 1 and dotted[0].get_color() == lines.lines[0].get_color()
    said = texts(figure)
    assert "authors' program" in said and "dotted: the authors' program" in said.replace("\n", " ")


@pytest.mark.parametrize(("theirs", "top"), [(1.4, 1.4), (0.9, 1.12)])
def test_a_number_stands_clear_of_both_programs_marks(theirs, top):
    ours, other = curves("2", "depth_2"), curves("2", "depth_2", 1)
    other.metrics[0]["valid_rmse"] = theirs
    figure = draw_ablation(with_panels({"show": "best_valid"}), [ours], "M", 4.0, [other])
    [number] = [text for text in figure.axes[0].texts if text.get_text() == "1.110"]
    assert number.xy[1] == pytest.approx(top)


def test_the_authors_marks_stand_beside_their_own_run():
    ours, theirs = [curves("2", "depth_2"), curves("4", "depth_4")], [curves("4", "depth_4", 1)]
    figure = draw_ablation(with_panels({"show": "best_valid"}), ours, "M", 4.0, theirs)
    [hollow] = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert 1 < hollow.get_xdata()[0] < 1.5 and hollow.get_label() == "authors' program"


def test_one_seed_has_no_band_and_says_so():
    figure = draw_ablation(with_panels({"show": "valid"}), [curves("2", "depth_2", 1)], "M", 4.0)
    assert not figure.axes[0].collections and "one seed" in texts(figure)
    several = draw_ablation(with_panels({"show": "valid"}), [curves("2", "depth_2", 3)], "M", 4.0)
    assert several.axes[0].collections


@pytest.mark.parametrize("diverged", [1, 3])
def test_diverged_runs_are_drawn_as_diverged(diverged):
    figure = draw_ablation(ABLATION, [curves("2", "depth_2"), curves("4", "depth_4", 3, diverged)], "M", 4.0)
    assert f"diverged ({diverged} of 3)" in texts(figure) and f"{diverged} of 3 diverged" in texts(figure)
    assert any(line.get_marker() == "x" for line in figure.axes[1].lines)


def test_a_run_that_diverged_far_off_leaves_the_panel_its_room():
    """Its last mean is 1e9 stars; everything still stands within the figure, the panel below the head."""
    lost = curves("4", "depth_4", 3, 2)
    for frame in [*lost.histories, *lost.steps]:
        frame.loc[len(frame) // 4, "train_rmse"] = 1e9
        if len(frame) in (3, 12):
            frame.loc[len(frame) - 1, "train_rmse"] = 1e9
    figure = draw_ablation(with_panels({"show": "steps"}), [curves("2", "depth_2"), lost], "M", 4.0)
    figure.draw_without_rendering()
    panel, whole = figure.axes[0], figure.bbox
    head = min(text.get_window_extent().y0 for text in figure.texts)
    assert panel.get_window_extent().y1 < head
    for text in panel.texts:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1, text
    assert "diverged (2 of 3)" in texts(figure)


def test_ablation_without_panels_gets_a_figure():
    plain = Ablation(title="Mine", runs=ABLATION.runs)
    figure = draw_ablation(plain, [curves("2", "depth_2")], "M", 4.0)
    assert "Validation RMSE (stars)" in texts(figure) and len(figure.axes[0].lines) == 1


def test_unordered_runs_are_not_joined():
    panel = with_panels({"show": "test"})
    named = draw_ablation(panel, [curves("ALS", "als"), curves("PCA", "pca")], "M", 4.0).axes[0].lines
    assert next(line for line in named if line.get_label() == "ours").get_marker() == "_"


def test_same_quantity_same_scale():
    panels = [{"show": "valid", "runs": ["2"]}, {"show": "valid", "runs": ["4"]}]
    high = curves("4", "depth_4")
    for history in high.histories:
        history["valid_rmse"] += 0.7
    axes = draw_ablation(with_panels(*panels), [curves("2", "depth_2"), high], "M", 4.0).axes
    assert axes[0].get_ylim() == axes[1].get_ylim()


def test_the_scale_follows_that_of_the_ratings():
    """A first run that diverges at 2.9 and 3.1 stars is in sight and out of it, and so at 100 times as much."""
    stacks = [np.array([[9.0, 2.9, 1.0, 0.9]]), np.array([[9.0, 3.1, 1.0, 0.95]])]
    low, high = zoomed(stacks, 4.0)
    assert low < 0.9 and 2.5 < high < 3.1
    np.testing.assert_allclose(zoomed([100 * values for values in stacks], 400.0), (100 * low, 100 * high), rtol=1e-12)
    assert zoomed([np.array([[9.0, 9.0]])], 4.0) == (0.0, 3.0)
    assert zoomed([np.array([[1.0, 1.0]])], 4.0) == (0.95, 1.05)  # one value alone keeps some room


def test_a_run_of_one_epoch_is_in_sight():
    """As long as it has not diverged: a point is all that there is of it."""
    line = np.linspace(0.99, 0.9, 100)[None]
    assert zoomed([line], 4.0)[1] < 1.0 < 1.4 < zoomed([line, np.array([[1.4]])], 4.0)[1]
    assert zoomed([line, np.array([[9.0]])], 4.0) == zoomed([line], 4.0)


@pytest.mark.parametrize(("share", "words"), [(0.02, "1/50"), (0.3125, "1/3.2"), (3.2, "×3.2"), (20, "×20")])
def test_a_share_of_anothers_time_in_words(share, words):
    assert _share(share) == words


def sooner(run: Curves, times: float) -> Curves:
    """The same run, but so many times as fast."""
    histories = [frame.assign(seconds=frame["seconds"] / times) for frame in run.histories]
    return Curves("fast", "fast", histories, run.steps, run.metrics)


def test_times_are_those_of_the_first_epoch_that_is_as_good():
    slow = curves("slow", "slow")
    np.testing.assert_array_equal(times_to(slow, slow), [20, 20, 20])
    np.testing.assert_array_equal(times_to(sooner(slow, 4), slow), [5, 5, 5])
    better = Curves("b", "b", [frame.assign(valid_rmse=frame["valid_rmse"] - 0.2) for frame in slow.histories])
    # 1 + 1/4 - 0.2 is the first below 1 + 1/10.
    np.testing.assert_array_equal(times_to(better, slow), [8, 8, 8])
    assert np.isnan(times_to(slow, better)).all()


def test_curves_against_seconds_say_how_soon_a_run_is_as_good_as_the_first():
    ablation = with_panels({"show": "seconds"})
    slow = curves("slow", "slow")
    figure = draw_ablation(ablation, [slow, sooner(slow, 4), curves("lost", "lost", diverged=1)], "MovieLens 100K", 4.0)
    said = texts(figure)
    for words in ("Seconds of training", "Validation RMSE (stars)", "best of slow: 1.110", "20 s", "5 s\n1/4"):
        assert words in said
    assert said.count(" s\n1/") == 1  # nothing of the run that lost a seed
    lines = {len(line.get_xdata()): line.get_xdata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines[10], 2 * np.arange(1, 11))


def test_a_single_epoch_is_a_point():
    whole = curves("2", "depth_2")
    short = Curves("1", "short", [frame[:1] for frame in whole.histories], whole.steps, whole.metrics)
    lines = draw_ablation(with_panels({"show": "valid"}), [whole, short], "M", 4.0).axes[0].lines
    assert {len(line.get_xdata()): line.get_marker() for line in lines} == {10: "None", 1: "."}


@pytest.mark.parametrize("show", ["valid", "train", "seconds", "steps"])
def test_a_line_across_is_named_and_within_the_scale(show):
    plain, lined = (
        draw_ablation(with_panels({"show": show, "lines": lines}), [curves("2", "depth_2")], "M", 4.0).axes[0]
        for lines in ({}, {"noise floor": 0.7805, "far above": 2.5})
    )
    assert {"noise floor: 0.780", "far above: 2.500"} <= {text.get_text() for text in lined.texts}
    levels = [line.get_ydata()[0] for line in lined.lines if len(set(line.get_ydata())) == 1]
    assert {0.7805, 2.5} <= set(levels)
    (low, high), (low_before, high_before) = lined.get_ylim(), plain.get_ylim()
    assert low < 0.7805 < low_before and high_before < 2.5 < high


def test_names_keep_their_distance():
    places = _apart([1.0, 1.01, 1.02, 2.0], 0.1, 2.0)
    assert all(b - a >= 0.1 - 1e-12 for a, b in pairwise(places))
    assert max(_apart([1.95, 1.96, 1.99], 0.1, 2.0)) <= 2.0


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_same_figure_same_bytes(tmp_path, suffix):
    for name in ("a", "b"):
        save(
            draw_ablation(ABLATION, [curves("2", "depth_2"), curves("4", "depth_4")], "M", 4.0),
            tmp_path / (name + suffix),
        )
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_curve_marks_the_best_epoch():
    history = pd.DataFrame({"epoch": [1, 2, 3], "train_rmse": [1.2, 1.1, 1.0], "valid_rmse": [1.2, 1.0, 1.1]})
    best = draw_curve(history, "t").axes[0].lines[-1]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (2, 1.0)


def test_every_panel_that_may_be_named_can_be_drawn():
    assert set(PANELS) == set(get_args(Panel.model_fields["show"].annotation))
