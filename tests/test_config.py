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
        ("runs/depth_4", {"recipe": "quick"}, "run 'depth_4': unknown recipe 'quick'; choose from fast"),
        ("runs/als", {"model": "als", "recipe": "fast"}, "run 'als': unknown key refeed.*; choose from rank"),
        ("recipes/fast/epoch", 3, "recipes.fast: unknown key epoch; choose from hidden"),
        ("runs/depth_4", {"hidden": []}, "run 'depth_4': hidden"),
        ("runs/a b", {"hidden": [4]}, "'a b' does not match"),
        ("ablations/depth/runs/14", "depth_14", "ablation 'depth': unknown run 'depth_14'; choose from"),
        ("ablations/depth/paper/depth_14", 1.0, "ablation 'depth': unknown run 'depth_14'"),
        (
            "ablations/depth/panels",
            [{"show": "valid", "runs": ["99"]}],
            "unknown label '99'; choose from 2, 4",
        ),
        ("ablations/final", {"title": "t", "runs": {}}, "ablations.final.runs: .*non-empty"),
        ("ablations/final", {"title": "t", "runs": {"2": "depth_2"}}, "the final table has this name"),
        ("final/models/SVD", "svd", "final.models.SVD: unknown run 'svd'; choose from act_sigmoid"),
        ("final/paper/SVD", {"3m": 0.9}, "final.paper: unknown model 'SVD'; choose from Bias-only"),
        ("final/tuned", "yes", "final.tuned: 'yes' is not of type 'boolean'"),
        ("search/trials", 0, "search.trials: 0 is less than the minimum of 1"),
        ("search/spaces/svd", {"rank": {"choices": [3]}}, "search.spaces: unknown run 'svd'; choose from"),
        ("search/spaces/als/rnk", {"choices": [3]}, "search.spaces.als.rnk: .*unknown key rnk; choose from rank"),
        ("search/spaces/als/rank", {"choices": [3, 0]}, "search.spaces.als.rank: .*0 is less than the minimum of 1"),
        ("search/spaces/als/l2", {"log_uniform": [0, 1]}, "search.spaces.als.l2.log_uniform.0: 0 is less"),
        ("search/spaces/als/l2", {"uniform": [2, 1]}, "als.l2.uniform: found .2, 1.; expected the low end before"),
        ("search/spaces/als/l2", {"normal": [2, 1]}, "unknown key normal; choose from log_uniform, uniform, choices"),
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


def test_recipe_comes_between_the_data_set_and_the_run(config):
    config = changed(config, "datasets/movielens-100k/recipes", {"fast": {"epochs": 7}})
    config["runs"] |= {"quick": {"recipe": "fast", "lr": 0.5}}
    config["ablations"]["quick"] = {"title": "Quick", "runs": {"quick": "quick"}}
    settings, plain = (load_plan(config).run_settings(run) for run in ("quick", "depth_4"))
    assert (settings["lr"], settings["epochs"], settings["recipe"]) == (0.5, 7, "fast")
    assert settings["optimizer"] == config["recipes"]["fast"]["optimizer"] != plain["optimizer"]
    assert "recipe" not in plain


def test_final_table_has_every_model_on_every_split(config):
    plan = load_plan(config)
    assert plan.final["splits"] == ["last30", "3m", "6m"]
    assert plan.final["runs"]["DeepRec"] == {"last30": "deeprec", "3m": "deeprec_3m", "6m": "deeprec_6m"}
    for model, runs in plan.final["runs"].items():
        assert [plan.runs[run]["split"] for run in runs.values()] == plan.final["splits"], model
    # A copy is its run but for the split and what `runs` says of the copy.
    assert plan.runs["als_3m"] == {**plan.runs["als"], "split": "3m"}
    assert plan.runs["deeprec_3m"] == {**plan.runs["deeprec"], "split": "3m", **config["runs"]["deeprec_3m"]}
    assert plan.paper["test"]["rrn_3m"] == 0.9427 and "rrn" not in plan.paper["test"]
    assert plan.groups["final"]["RRN on 3m"] == "rrn_3m" and plan.groups["final"]["RRN"] == "rrn"


def test_a_data_set_leaves_a_model_out(config):
    plan = load_plan(changed(config, "datasets/movielens-100k/final/models", {"RRN": None, "New": "als"}))
    assert "RRN" not in plan.final["runs"] and "RRN" not in plan.final["paper"] and "New" in plan.final["runs"]
    assert not any(run.startswith("rrn") for run in plan.runs)
    nothing = dict.fromkeys([*config["final"]["models"], "DeepRec, tuned shape"])
    with pytest.raises(InputError, match="every model is null; expected one that is not"):
        load_plan(changed(config, "datasets/movielens-100k/final/models", nothing))
    with pytest.raises(InputError, match=r"final\.models\.RRN: None is not of type 'string'"):
        load_plan(changed(config, "final/models/RRN", None))


def test_memory_is_reserved_for_what_each_model_took_at_netflixs_size(config):
    plan = load_plan(changed(config, "dataset", "netflix"))
    measured = {"als": 3300, "pca": 4000, "pmf": 1500, "rrn": 6400, "deeprec": 3900, "i_autorec": 16600}
    for run, megabytes in measured.items():
        assert megabytes + 400 <= plan.training_mb(run, 365) <= 20_000, run
    assert plan.training_mb("rrn", 0.2) == 2003


def test_what_the_search_chose_is_told(config):
    settings = load_plan(config).summary["final"]["settings"]
    als = load_plan(config).runs["als"]
    assert settings["ALS"] == f"rank {als['rank']}, l2 {als['l2']}, init_std {als['init_std']}"
