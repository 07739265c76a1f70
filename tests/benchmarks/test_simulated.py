"""The simulated ratings that benchmarks train on, and the plans that they take."""

import numpy as np

from deeprec.config.plan_files import read_plan
from deeprec.data.matrix import read_train
from deeprec.data.world import Size
from deeprec.runtime.files import read_json
from deeprec.settings.splits import TimeSplit


def test_a_worlds_ratings_are_read_as_a_training_set(benchmark, tmp_path):
    simulated, size = benchmark("simulated"), Size(3000, 200, 100, noise=0.8, seed=0)
    ratings = simulated.simulate(size, np.random.default_rng(0))
    assert not ratings.duplicated(["user", "item"]).any()
    simulated.write_split(tmp_path, train=ratings)
    matrix = read_train(tmp_path, dated=True)
    assert (matrix.n_rows, matrix.n_columns, matrix.n_ratings) == (200, 100, 3000)
    assert matrix.offsets.diff().min() > 0 and matrix.columns.unique().numel() == 100
    assert matrix.dates.min() >= np.datetime64("1999-11-11").astype(int)
    assert matrix.dates.max() == np.datetime64("2005-12-31").astype(int)


def test_busy_users_do_not_come_first(benchmark):
    ratings = benchmark("simulated").simulate(Size(30_000, 1000, 300, noise=0.8, seed=0), np.random.default_rng(0))
    busy = ratings["user"].value_counts().index[:100]
    assert 300 < busy.to_series().mean() < 700


def test_an_archive_is_written_for_a_plan_with_the_papers_splits(benchmark, tmp_path):
    plans, simulated = benchmark("plans"), benchmark("simulated")
    plan = plans.plan_of("simulated", n_ratings=3000, n_users=200, n_items=100)
    plans.write_plan(plan, tmp_path / "plan")
    assert simulated.write_archive(tmp_path / "plan" / "source.yaml", tmp_path).seconds > 0
    assert read_json(tmp_path / "manifest.json")["path"] == "simulated.tar.gz"
    assert read_json(tmp_path / "truth.json")["n_ratings"] == 3000
    netflix = plans.plan_of("netflix")
    for name in ("3m", "6m", "1y", "full"):
        split = read_plan(tmp_path / "plan" / "splits" / f"{name}.yaml", TimeSplit)
        assert split == netflix.split_definition(name)


def test_a_plan_is_config_yamls_but_for_what_is_changed(benchmark, config):
    plans = benchmark("plans")
    assert plans.config_of() == config
    assert plans.plan_of("movielens-100k", path="ratings.zip").dataset.path == "ratings.zip"
