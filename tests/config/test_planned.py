"""Results of another config are told apart from those that are planned."""

from copy import deepcopy

import pytest

from deeprec.config.checks import load_plan
from deeprec.config.planned import check_planned
from deeprec.config.run_settings import write_run
from deeprec.runtime.files import InputError


@pytest.fixture
def plan(config):
    config = deepcopy(config) | {"runs": {"a": {"hidden": [4]}}, "seeds": [0, 1], "ablations": {}}
    config["final"] |= {"models": {"A": "a"}, "paper": {}}
    config["search"] |= {"runs": {"bias": ["l2_user"]}}
    config["datasets"] = {
        "mine": {
            "title": "Mine",
            "source": "csv",
            "path": "x.csv",
            "columns": {"user": "u", "item": "i", "rating": "r", "date": "d"},
            "main_split": "s",
            "split_seed": 0,
            "splits": {"s": {"kind": "per_user", "test_fraction": 0.3}},
        }
    }
    return load_plan(config | {"dataset": "mine"})


@pytest.fixture
def results(plan, tmp_path):
    for seed in (0, 1):
        write_run(plan.run("a").with_seed(seed), tmp_path / "runs" / "a" / f"seed_{seed}" / "settings.yaml")
    return tmp_path


def test_what_is_planned_passes(plan, results):
    check_planned(plan, results)


def test_another_setting_is_named_with_both_values(plan, results):
    path = results / "runs" / "a" / "seed_1" / "settings.yaml"
    write_run(plan.run("a").with_seed(1).with_settings(lr=0.5), path)
    with pytest.raises(InputError, match=r"seed_1/settings\.yaml: lr: found 0\.5; expected 0\.001, as"):
        check_planned(plan, results)


def test_a_missing_training_is_named(plan, results):
    (results / "runs" / "a" / "seed_0" / "settings.yaml").unlink()
    with pytest.raises(InputError, match="found no training of run 'a', seed 0; make them by snakemake"):
        check_planned(plan, results)
