"""The ratings on which benchmarks/compare_deeprecommender.py compares, and how it sums up."""

import numpy as np
import pandas as pd
import pytest

from deeprec.data.matrix import read_part, read_train


@pytest.fixture
def compare(benchmark):
    return benchmark("compare_deeprecommender")


def test_the_authors_reader_numbers_users_and_items_as_we_do(compare, tmp_path):
    n = compare.write_ratings(tmp_path, n_users=400, n_evaluated=300, n_items=2000)
    theirs = pd.read_csv(tmp_path / "train" / "ratings.txt", sep="\t", names=["user", "item", "rating"])
    matrix = read_train(tmp_path)
    assert len(theirs) == n == matrix.n_ratings
    for ids, count in ((theirs["user"], matrix.n_rows), (theirs["item"], matrix.n_columns)):
        assert list(dict.fromkeys(ids)) == list(range(count))
    assert (matrix.n_rows, matrix.n_columns) == (400, 2000)
    valid = read_part(tmp_path, "valid", dated=False)
    assert 0 < len(valid) < 0.1 * n and valid.user.max() < 300
    pairs = [user * 2000 + item for user, item in ((theirs["user"], theirs["item"]), (valid.user, valid.item))]
    assert not np.intersect1d(*pairs).size


def test_ratio_is_the_median_of_the_pairs(compare):
    assert compare.ratio([2, 30, 8], [1, 10, 2]) == 3
