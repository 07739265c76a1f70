"""Wrong configs are refused before any job, with the key and the choices."""

from copy import deepcopy

import pytest

from deeprec.config import load_plan
from deeprec.files import InputError


def changed(config: dict, path: str, value) -> dict:
    """A copy with the entry at `path` (keys joined by /) set."""
    config = deepcopy(config)
    *parents, key = path.split("/")
    place = config
    for parent in parents:
        place = place[parent]
    place[key] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("epochz", 3, "unknown key epochz; choose from dataset, seeds"),
        ("dataset", "netflx", "unknown dataset 'netflx'; choose from movielens-100k"),
        ("seeds", [0, 0], "seeds: .*non-unique"),
        ("seeds", [], "seeds: .*(one training a run and seed)"),
        ("device", "tpu", "device: found 'tpu'; choose from auto, cpu, cuda"),
        ("models/autoencoder/lr", "1e-3", "models.autoencoder.lr: '1e-3' is not of type 'number'"),
        ("models/autoencoder/dropout", 1.0, "models.autoencoder.dropout: 1.0 .*maximum"),
        ("models/autoencoder/activation", "gelu", "found 'gelu'; choose from sigmoid, relu"),
        ("models/autoencoder/hiden", [3], "models.autoencoder: unknown key hiden; choose from hidden"),
        (
            "runs/depth_4",
            {"hidden": [4], "epoch": 3},
            "run 'depth_4': unknown key epoch; choose from .*epochs",
        ),
        ("runs/depth_4", {"split": "3y"}, "run 'depth_4': unknown split '3y'; choose from last30"),
        ("runs/depth_4", {"model": "svd"}, "run 'depth_4': unknown model 'svd'; choose from autoencoder"),
        ("runs/depth_4", {"hidden": []}, "run 'depth_4': hidden"),
        ("runs/a b", {"hidden": [4]}, "'a b' does not match"),
        ("ablations/depth/runs/14", "depth_14", "ablation 'depth': unknown run 'depth_14'; choose from"),
        ("ablations/depth/paper/depth_14", 1.0, "ablation 'depth': unknown run 'depth_14'"),
        (
            "ablations/depth/panels",
            [{"show": "valid", "runs": ["99"]}],
            "unknown label '99'; choose from 2, 4",
        ),
        ("datasets/movielens-100k/main_split", "x", "main_split: unknown split 'x'; choose from last30"),
        ("datasets/movielens-100k/splits/3m/test", ["1998-03-23"], "splits.3m.test"),
        ("datasets/movielens-100k/splits/last30/test_fraction", 1.5, "splits.last30.test_fraction: 1.5"),
    ],
)
def test_mistakes_are_named(config, path, value, message):
    with pytest.raises(InputError, match=message):
        load_plan(changed(config, path, value))


def test_all_mistakes_are_told_at_once(config):
    with pytest.raises(InputError) as error:
        load_plan(changed(changed(config, "seedz", 1), "device", "tpu"))
    assert "seedz" in str(error.value) and "tpu" in str(error.value)


def test_run_settings_are_the_defaults_with_the_runs_differences(config):
    plan = load_plan(config)
    settings = plan.run_settings("depth_4")
    model = {
        **config["models"]["autoencoder"],
        **config["datasets"]["movielens-100k"]["models"]["autoencoder"],
    }
    assert {name: settings[name] for name in model} == {**model, **config["runs"]["depth_4"]}
    assert settings["split"] == "last30" and settings["split_definition"]["kind"] == "per_user"
    assert settings["model"] == "autoencoder" and "seed" not in settings


def test_new_ablation_needs_config_alone(config):
    new = changed(config, "runs/depth_20", {"hidden": [128] * 10})
    new = changed(new, "ablations/mine", {"title": "Deeper still", "runs": {"20": "depth_20", "4": "depth_4"}})
    plan = load_plan(new)
    assert plan.runs["depth_20"]["hidden"] == [128] * 10
    assert list(plan.runs).count("depth_4") == 1


def test_seeds_are_trained_in_batches(config):
    plan = load_plan(changed(changed(config, "seeds", [5, 6, 7, 8]), "seeds_per_job", 3))
    assert plan.seed_batches == [[5, 6, 7], [8]]


def test_data_sets_settings_come_before_the_runs(config):
    special = changed(config, "datasets/movielens-100k/runs/depth_6", {"lr": 0.123})
    assert load_plan(special).runs["depth_6"]["lr"] == 0.123
    assert load_plan(special).runs["depth_6"]["hidden"] == [128, 128, 128]
