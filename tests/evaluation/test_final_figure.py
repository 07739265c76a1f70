"""The final figure: every value and split, the lead, the paper's numbers apart, models that diverged."""

import numpy as np
import pandas as pd

from deeprec.evaluation.final_figure import draw_final
from tests.evaluation.test_ablation_figure import texts


def final(**changes) -> pd.DataFrame:
    """Two models on two splits, as final.csv has them."""
    columns = {"model": ["ALS", "DeepRec"]}
    for split in ("all", "3m"):
        columns |= {f"rmse_{split}": [0.97, 1.01], f"sd_{split}": [0.001, 0.002], f"diverged_{split}": [0, 0]}
        columns |= {f"best_{split}": [True, False], f"paper_{split}": [np.nan] * 2, f"n_test_{split}": [15133] * 2}
    return pd.DataFrame({**columns, "paper_3m": [np.nan, 0.9373], **changes})


def test_final_figure_shows_values_splits_and_the_papers_numbers_apart():
    figure = draw_final(final(), ["all", "3m"], "MovieLens 100K", 3)
    said = texts(figure)
    for words in ("MovieLens 100K", "deviation of 3 seeds", "all: 15,133 test ratings", "3m:", "0.970", "1.010"):
        assert words in said
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["ALS", "DeepRec"]
    [paper] = [line for line in figure.axes[1].lines if line.get_marker() == "s"]
    np.testing.assert_array_equal(paper.get_xdata(), [np.nan, 0.9373])
    assert figure.legends and not draw_final(final(paper_3m=np.nan), ["all", "3m"], "M", 3).legends


def test_final_figure_survives_one_seed_and_models_that_diverged():
    lost = final(rmse_all=[np.nan, 1.0], sd_all=np.nan, diverged_all=[1, 0], best_all=False)
    said = texts(draw_final(lost, ["all"], "M", 1))
    assert "(1 diverged)" in said and "one seed, so no spread" in said and "nan" not in said
