"""Wrong configs are refused before any job, with the key, what was found and the choices."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeprec.config.checks import FOLDER, load_plan
from deeprec.config.run_settings import read_yaml
from deeprec.runtime.files import InputError
from tests.config.changes import changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("epochz", 3, "unknown key epochz; choose from dataset, only"),
        ("dataset", "netflx", "dataset: found 'netflx'; choose from movielens-100k, movielens-latest-small"),
        ("seeds", [0, 0], r"seeds: found \[0, 0\]; expected no seed twice"),
        ("seeds", [], r"seeds: found \[\]; expected at least 1 entries \(one training a run and seed\)"),
        ("device", "tpu", "device: found 'tpu'; choose from auto, cpu, cuda"),
        ("save_seconds", float("nan"), "save_seconds: found nan; expected a finite number"),
        ("tracking_uri", "postgres://h/x", "tracking_uri: found 'postgres://h/x'; choose from sqlite:///FILE, http"),
        ("tracking_uri", "results/mlflow.db", "tracking_uri: found 'results/mlflow.db'; choose from sqlite:///FILE"),
        ("threads", True, "threads: found True; expected a whole number"),
        ("threads", 1.5, "threads: found 1.5; expected a whole number"),
        ("models/autoencoder/lr", "1e-3", "models.autoencoder.lr: found '1e-3'; expected a number .learning rate"),
        ("models/autoencoder/dropout", 1.0, "models.autoencoder.dropout: found 1.0; expected less than 1"),
        ("models/autoencoder/activation", "gelu", "models.autoencoder.activation: found 'gelu'; choose from sigmoid"),
        (
            "models/autoencoder/hiden",
            [3],
            "models.autoencoder: unknown key hiden; choose from epochs, patience, l2_user",
        ),
        ("across", ["nowhere"], "across: found 'nowhere'; choose from "),
        ("models/svd", {}, "models: unknown model 'svd'; choose from autoencoder, bias"),
        ("runs/depth_4", {"hidden": [4], "epoch": 3}, "run 'depth_4': unknown key epoch; choose from epochs"),
        ("runs/depth_4", {"split": "3y"}, "run 'depth_4': unknown split '3y'; choose from last30"),
        ("runs/depth_4", {"model": "svd"}, "run 'depth_4': unknown model 'svd'; choose from autoencoder"),
        ("runs/depth_4", {"recipe": "quick"}, "run 'depth_4': unknown recipe 'quick'; choose from fast"),
        ("runs/als", {"recipe": "fast"}, "run 'als': unknown key refeed.*; choose from epochs, patience, "),
        ("recipes/fast/epoch", 3, "recipes.fast: unknown key epoch; choose from epochs"),
        ("runs/depth_4", {"hidden": []}, r"run 'depth_4'.hidden: found \[\]; expected at least 1 entries"),
        ("runs/depth_4", {"hidden": "ful"}, "run 'depth_4'.hidden: unknown shape 'ful'; choose from 3m, 6m, full"),
        ("runs/depth_4", {"hidden": [4, 0]}, "run 'depth_4'.hidden.1: found 0; expected at least 1"),
        ("runs/depth_4", {"lr": float("inf")}, "run 'depth_4'.lr: found inf; expected a finite number"),
        ("shapes/wide", [0], "shapes.wide.0: found 0; expected at least 1"),
        ("runs/a b", {"hidden": [4]}, "runs: the name 'a b' becomes part of a path; expected letters, digits"),
        ("ablations/depth/runs/14", "depth_14", "ablation 'depth': unknown run 'depth_14'; choose from"),
        ("ablations/depth/paper/depth_14", 1.0, "ablation 'depth': unknown run 'depth_14'"),
        ("ablations/depth/panels", [{"show": "valid", "runs": ["99"]}], "panel: unknown label '99'; choose from 2, 4"),
        (
            "ablations/depth/panels",
            [{"show": "test", "lines": {"floor": 0.8}}],
            "lines: found with show 'test'; expected train, valid, steps or seconds",
        ),
        ("ablations/depth/panels", [{"show": "best"}], "panels.0.show: found 'best'; choose from best_valid, test"),
        ("ablations/final", {"title": "t", "runs": {}}, r"ablations.final.runs: found \{\}; expected at least 1"),
        ("ablations/final", {"title": "t", "runs": {"2": "depth_2"}}, "the final table has this name"),
        ("ablations/depth/runs/2", 3, "ablations.depth.runs.2: found 3; expected text"),
        ("final/models/SVD", "svd", "final.models.SVD: unknown run 'svd'; choose from deeprec"),
        ("final/paper/SVD", {"3m": 0.9}, "final.paper: unknown model 'SVD'; choose from Bias-only"),
        ("final/paper/DeepRec", {"fulll": 0.9}, "final.paper.DeepRec: unknown split 'fulll'; choose from 3m, 6m, 1y"),
        ("runs/" + 61 * "x", {}, "runs: the name 'xxx.*' has 61 characters; expected at most 60, for file names"),
        ("seeds", [2**63], r"seeds: found \[9223372036854775808\]; expected a number of 64 bits"),
        ("search/seed", 10**30, "search.seed: found 1000000000000000000000000000000; expected a number of 64 bits"),
        ("runs/als", {"rank": -(2**64)}, "run 'als'.rank: found -18446744073709551616; expected a number of 64 bits"),
        ("runs/depth_4", {"hidden": [10**12]}, "run 'depth_4': found sizes of 4.0e.15 bytes of weights for 1,000"),
        ("runs/als", {"rank": 10**12}, "run 'als': found sizes of 4.0e.15 bytes of weights for 1,000 items; expected"),
        ("final/tuned", "yes", "final.tuned: found 'yes'; expected a whole number"),
        ("search/trials", 0, "search.trials: found 0; expected at least 1"),
        ("search/runs/svd", ["rank"], "search.runs: unknown run 'svd'; choose from"),
        ("search/runs/als", ["rnk"], "search.runs.als: unknown key 'rnk'; choose from epochs, patience, "),
        ("search/runs/als", ["clip"], "search.runs.als.clip: has no space of its own; give one, or choose from rank"),
        ("search/runs/als", {"rank": {"choices": [3, 0]}}, "search.runs.als.rank: found 0; expected at least 1"),
        ("search/runs/als", {"rank": {"choices": [4, 4]}}, "als.rank.choices: found .4, 4.; expected no value twice"),
        ("search/runs/als", [], r"search.runs.als: found \[\]; expected settings to search"),
        ("search/runs/als", {}, r"search.runs.als: found \{\}; expected settings to search"),
        ("search/runs/als", {"l2": {"uniform": [0, 10**400]}}, r"als.l2.uniform: found .*; expected the low end"),
        (
            "search/runs/deeprec",
            {"hidden": {"choices": ["6m", "7m"]}},
            "search.runs.deeprec.hidden: unknown shape '7m'",
        ),
        ("search/runs/als", {"rank": {"choices": []}}, "search.runs.als.rank.choices: found nothing"),
        ("search/runs/als", {"l2": {"log_uniform": [0, 1]}}, "l2.log_uniform: found .0, 1.; expected more than 0"),
        ("search/runs/als", {"l2": {"uniform": [2, 1]}}, "als.l2.uniform: found .2, 1.; expected the low end before"),
        ("search/runs/als", {"l2": {"normal": [2, 1]}}, "unknown key normal; choose one from log_uniform, uniform"),
        ("search/runs/als", {"rank": {"uniform": [4, 64]}}, "als.rank: found 26.2; expected a whole number"),
        ("search/runs/als", {"l2": {"uniform": ["a", "b"]}}, "als.l2.uniform: found .'a', 'b'.; expected the low end"),
        ("runs/depth_4", {"model": ["als"]}, r"run 'depth_4'.model: found \['als'\]; expected text"),
        ("runs/depth_4", {"recipe": {}}, r"run 'depth_4'.recipe: found \{\}; expected text"),
        ("datasets/movielens-100k/splits/3m/kind", ["dates"], r"splits.3m: kind: found \['dates'\]; choose from dates"),
        ("datasets/movielens-100k/source", ["csv"], r"source: found \['csv'\]; choose from netflix"),
        ("datasets/movielens-100k/main_split", "x", "main_split: unknown split 'x'; choose from last30"),
        ("datasets/movielens-100k/splits/3m/test", ["1998-03-23"], "splits.3m.test: found .*expected at least 2"),
        ("datasets/movielens-100k/splits/3m/test", ["1998-02-30", "1998-04-22"], "splits.3m.test.0: .*expected a date"),
        ("datasets/movielens-100k/splits/3m/test", ["1998-03-01", "1998-04-22"], "splits.3m: .*expected train < test"),
        (
            "datasets/movielens-100k/splits/3m/kind",
            "days",
            "splits.3m: kind: found 'days'; choose from dates, per_user",
        ),
        ("datasets/movielens-100k/splits/last30/test_fraction", 1.5, "last30.test_fraction: found 1.5; expected less"),
        ("runs/mix", {"model": "blend"}, "run 'mix'.members: missing"),
        ("runs/rivals/members", [["als"], "pmf"], "run 'rivals'.members.0: found .'als'.; expected text"),
        (
            "runs/rivals",
            {"model": "blend", "members": ["als", "pmf"], "base": [1]},
            "'rivals'.base: found .1.; expected",
        ),
        ("runs/mix", {"model": "blend", "members": ["als"]}, "run 'mix'.members: found .'als'.; expected at least 2"),
        ("runs/mix", {"model": "blend", "members": ["als", "als"]}, "found .'als', 'als'.; expected no member twice"),
        ("runs/mix", {"model": "blend", "members": ["als", "ax"]}, "run 'mix'.members: unknown run 'ax'; choose from"),
        ("runs/mix", {"model": "blend", "members": ["als", "pmf"], "base": "pca"}, "'mix'.base: found 'pca', a model"),
        ("runs/mix", {"model": "blend", "members": ["als", "rivals"]}, "'mix': found a blend, 'rivals', among its"),
        ("runs/mix", {"model": "blend", "members": ["als", "pmf_6m"]}, "found a member on another split, 'pmf_6m' on"),
        (
            "runs/mix",
            {"model": "blend", "members": ["als", "pmf"], "seeds": [7]},
            "'mix'.seeds: found .7.; choose from",
        ),
        (
            "runs/mix",
            {"model": "blend", "members": ["dropout_0.8", "high_lr"]},
            "have the very same settings; expected",
        ),
        (
            "runs/mix",
            {"model": "blend", "members": ["als", "pmf"], "changes": {"x": 1}},
            "'mix_als': unknown key x; ch",
        ),
        ("runs/mix", {"model": "blend", "members": ["als", "pmf"], "changes": 3}, "run 'mix': unknown key changes"),
        ("search/runs/rivals", ["weights"], "search.runs.rivals: found a blend, which has nothing to search"),
        ("runs/depth_4", {"center": "biases"}, "run 'depth_4': last_activation: found 'same' .selu. with center"),
        ("runs/mine", {"like": "depth_44"}, "run 'mine'.like: found 'depth_44'; choose from deeprec"),
        ("runs/mine", {"like": "mine"}, "run 'mine'.like: found 'mine'; choose from deeprec"),
        ("runs/mine", {"like": ["als"]}, r"run 'mine'.like: found \['als'\]; expected text"),
        ("ablations/ingredients/panels", [{"show": "change"}], "'ingredients': panel: unknown label ''; choose from"),
        ("runs/als", {"center": "biases"}, "run 'als': unknown key center; choose from epochs"),
        (
            "datasets/movielens-100k/like",
            ["netflix"],
            r"movielens-100k.like: found \['netflix'\]; choose from movielens-l",
        ),
        ("datasets/movielens-100k/like", "movielens-100k", "like: found 'movielens-100k'; choose from movielens-l"),
        ("runs/x\n", {}, r"runs: the name 'x\\n' becomes part of a path"),
        ("datasets/movielens-100k/like", "netflx", "movielens-100k.like: found 'netflx'; choose from movielens-l"),
    ],
)
def test_mistakes_are_named(config, path, value, message):
    with pytest.raises(InputError, match=message):
        load_plan(changed(config, path, value))


def test_settings_that_do_not_go_together_are_not_searched_together(config):
    choices = {"center": {"choices": ["none", "biases"]}, "output_start": {"choices": ["random", "means"]}}
    run = changed(config, "runs/mine", {"last_activation": "identity"})
    for name, space in choices.items():
        load_plan(changed(run, "search/runs/mine", {name: space}))
    with pytest.raises(
        InputError, match=r"search.runs.mine: center with output_start: output_start: found 'means' with"
    ):
        load_plan(changed(run, "search/runs/mine", choices))


def test_a_run_is_left_out_of_the_search_by_null(config):
    assert "rrn" in load_plan(config).config.search.runs
    assert "rrn" not in load_plan(changed(config, "search/runs/rrn", None)).config.search.runs
    with pytest.raises(InputError, match=r"search.runs: found \{\}; expected"):
        load_plan({**config, "search": {**config["search"], "runs": {"rrn": None}}})


@pytest.mark.parametrize("at", ["ablations/ingredients", "datasets/movielens-100k/ablations/ingredients"])
def test_an_ablation_is_left_out_by_null(config, at):
    assert "ingredients" in load_plan(config).ablations and "no_noise" in load_plan(config).runs
    plan = load_plan(changed(config, at, None))
    assert "ingredients" not in plan.ablations and "no_noise" not in plan.runs
    assert {"depth", "recipe"} <= set(plan.ablations)


def test_all_mistakes_are_told_at_once(config):
    with pytest.raises(InputError) as error:
        load_plan(changed(changed(config, "seedz", 1), "device", "tpu"))
    assert "seedz" in str(error.value) and "tpu" in str(error.value)


def test_a_mistake_in_a_data_sets_file_names_the_file(config, tmp_path):
    folder = tmp_path / "workflow" / "datasets"
    folder.mkdir(parents=True)
    text = "{title: Mine, source: csv, path: r.csv, main_split: s, split_seed: 0, splits: {s: {kind: per_user}}}"
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        load_plan({**config, "dataset": "mine"}, folder)
    assert "workflow/datasets/mine.yaml.splits.s.test_fraction: missing" in str(error.value)
    assert "workflow/datasets/mine.yaml.columns: missing; expected a value (which column holds what)" in str(
        error.value
    )
    (folder / "mine.yaml").write_text("- x")
    with pytest.raises(InputError, match=r"mine\.yaml: found list; expected keys and values"):
        load_plan({**config, "dataset": "mine"}, folder)


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "x:\n  a: 1\n  a: 1\n", "{a: 1, a: 2}"])
def test_a_key_given_twice_is_refused(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(InputError, match=r"c.yaml: line \d: key 'a' again, after line \d; expected a YAML file"):
        read_yaml(tmp_path / "c.yaml")


def entries(config: dict, at: str = "") -> list[str]:
    """The paths of all entries at any depth."""
    found = []
    for key, value in config.items():
        found.append(f"{at}{key}")
        found += entries(value, f"{at}{key}/") if isinstance(value, dict) else []
    return found


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_config_ends_in_a_traceback(config, data):
    """Whatever stands in place of an entry, the config is sound or refused with a message."""
    dataset = {**read_yaml(FOLDER / "movielens-100k.yaml"), "like": "netflix"}
    with_data = {**config, "datasets": {"movielens-100k": dataset}}
    path = data.draw(st.sampled_from([path for path in entries(with_data) if "/" not in path or "." not in path]))
    with contextlib.suppress(InputError):
        load_plan(changed(with_data, path, data.draw(ANYTHING)))


def test_the_paper_alone_needs_a_model_that_is_no_blend(config):
    config = changed(config, "final/models", {"Mix": "rivals"}) | {"only": "paper", "dataset": "simulated"}
    config = changed(config, "final/paper", {})
    with pytest.raises(InputError, match="only: found 'paper', where every model of `final` is"):
        load_plan(config)
