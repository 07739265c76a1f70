"""The figures of a search show its trials, in the project's own look, and leave matplotlib as it was."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba

from deeprec.evaluation.figure_style import COLOURS, save
from deeprec.evaluation.search_figures import PLOTS, draw_search

SPACES = {
    "lr": {"log_uniform": [0.001, 0.1]},
    "dropout": {"uniform": [0, 0.9]},
    "hidden": {"choices": [[4], [4, 3]]},
    "rank": {"choices": [8, 4]},
}


def trials(n: int = 30, n_complete: int = 25) -> pd.DataFrame:
    """Trials that follow from the learning rate alone; the last ones were cut short."""
    rng = np.random.default_rng(0)
    lr = 10 ** rng.uniform(-3, -1, n)
    return pd.DataFrame(
        {
            "trial": range(n),
            "lr": lr,
            "dropout": rng.uniform(0, 0.9, n),
            "hidden": [SPACES["hidden"]["choices"][k] for k in rng.integers(0, 2, n)],
            "rank": [SPACES["rank"]["choices"][k] for k in rng.integers(0, 2, n)],
            "valid_rmse": 0.9 + np.abs(np.log10(lr) + 2) ** 2,
            "state": ["complete"] * n_complete + ["pruned"] * (n - n_complete),
        }
    )


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("kind", PLOTS)
def test_a_figure_says_of_what_it_is(kind):
    figure = draw_search(kind, trials(), SPACES, "als", "Toy ratings")
    assert words(figure) == [PLOTS[kind][0], "als on Toy ratings · 25 complete, 5 pruned"]


def test_history_shows_each_complete_trial_and_the_best_so_far():
    table = trials()
    [axis] = draw_search("history", table, SPACES, "als", "Toy").axes
    points, best = axis.collections[0].get_offsets(), axis.lines[0].get_ydata()
    assert np.allclose(points, table[["trial", "valid_rmse"]][:25])
    assert np.allclose(best[:25], np.minimum.accumulate(table["valid_rmse"][:25])) and best[-1] == best[24]
    assert axis.get_ylabel() == "Validation RMSE (stars)"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["Validation RMSE (stars)", "best so far"]
    assert to_rgba(axis.lines[0].get_color()) == to_rgba(COLOURS[1])


def test_the_setting_that_matters_is_the_most_important():
    [axis] = draw_search("importances", trials(), SPACES, "als", "Toy").axes
    shares = dict(zip([label.get_text() for label in axis.get_yticklabels()], axis.patches, strict=True))
    assert set(shares) == set(SPACES)
    assert max(shares, key=lambda name: shares[name].get_width()) == "lr"
    assert sum(bar.get_width() for bar in shares.values()) == pytest.approx(1)


def test_every_trial_is_a_line_through_its_settings():
    figure = draw_search("parallel", trials(), SPACES, "als", "Toy")
    [lines] = figure.axes[0].collections
    assert len(lines.get_segments()) == 25 and lines.get_cmap().name == "cividis"
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["Validation RMSE (stars)", *sorted(SPACES)]
    shown = {label.get_text() for axis in figure.axes for label in axis.get_yticklabels()}
    assert {"[4]", "[4, 3]", "4", "8"} <= shown


@pytest.mark.parametrize("kind", PLOTS)
@pytest.mark.parametrize("n_complete", [0, 1, 2])
def test_few_trials_are_a_figure_too(kind, n_complete, tmp_path):
    figure = draw_search(kind, trials(3, n_complete), SPACES, "als", "Toy")
    save(figure, tmp_path / "f.svg")
    assert any("nothing to draw" in text for text in words(figure)) == (n_complete < 2)


@pytest.mark.parametrize("kind", PLOTS)
def test_the_same_trials_are_the_same_file_and_nothing_is_left_open(kind, tmp_path):
    before = dict(mpl.rcParams)
    for name in ("a.svg", "b.svg"):
        save(draw_search(kind, trials(), SPACES, "als", "Toy"), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert not plt.get_fignums() and dict(mpl.rcParams) == before
