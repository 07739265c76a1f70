"""What benchmarks/compare_precisions.py compares ours with, and its words."""

import numpy as np
import pytest

from deeprec.data.matrix import read_part
from tests.conftest import run_of, write_split


@pytest.fixture
def compare(benchmark):
    return benchmark("compare_precisions")


@pytest.mark.parametrize("refeed", [0, 1])
def test_the_reference_trains_as_ours_from_the_same_seed(compare, tmp_path, refeed):
    split = write_split(tmp_path / "split")
    run = run_of(seed=1, hidden=[5, 4], lr=0.02, refeed=refeed, batch_size=16, epochs=3)
    valid = read_part(split, "valid", dated=False)
    scores = [train(run, split, valid) for train in (compare.train_ours, compare.train_reference)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_a_seeds_difference_is_shown_beside_the_means(compare, capsys):
    compare.show("x", {"fp32": [1.0, 1.2], "bf16": [1.01, 1.21]})
    assert capsys.readouterr().out == "| x | 1.1000 ± 0.1414 | 1.1100 ± 0.1414 | +0.0100 ± 0.0000 |\n"


def test_one_seed_has_no_deviation(compare):
    assert compare.in_words(np.array([1.0])) == "1.0000 ± nan"
