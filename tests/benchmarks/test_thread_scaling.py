"""What benchmarks/thread_scaling.py trains, and which threads it counts."""

import pytest

from deeprec.config.checks import load_plan


@pytest.fixture
def scaling(benchmark):
    return benchmark("thread_scaling")


def test_an_ablations_trainings_are_named_once_each(scaling, config):
    found = scaling.targets(load_plan({**config, "seeds": [0, 7]}), "depth", "metrics.json")
    assert len(found) == len(set(found)) == 12
    assert found[1] == "results/movielens-100k/runs/depth_2/seed_7/metrics.json"


@pytest.mark.parametrize(("seconds", "n"), [([10.0, 0.1, 0.0], 1), ([5.0, 4.0, 0.2], 2), ([0.0], 0), ([], 0)])
def test_a_thread_that_hardly_computes_does_not_count(scaling, seconds, n):
    assert scaling.busy_threads(iter(seconds)) == n
