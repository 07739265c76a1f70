"""What config.yaml plans: runs with their settings, ablations, the final table, and what a rule is told of it."""

import pytest
import yaml
from pydantic import BaseModel

from deeprec.config import run_settings
from deeprec.config.checks import load_plan
from deeprec.config.plan_files import (
    AblationPlan,
    AuditPlan,
    ClaimsPlan,
    FinalPlan,
    ReportPlan,
    SearchPlan,
    TablesPlan,
    TrackingPlan,
    TuningPlan,
    plan_text,
    read_plan,
)
from deeprec.config.run_settings import to_yaml
from deeprec.runtime.files import InputError
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.settings.sources import AnySource
from deeprec.settings.splits import TimeSplit
from tests.config.changes import changed


def test_run_settings_are_the_defaults_with_the_differences_of_data_set_and_run(config):
    run = load_plan(config).run("depth_4")
    # MovieLens 100K's file sets the learning rate, the run its layers.
    assert run.settings == AutoEncoderSettings(hidden=[128, 128], lr=0.02)
    assert run.split == "last30" and run.split_definition.kind == "per_user" and run.split_definition.seed == 0
    assert run.model == "autoencoder" and run.seed is None


@pytest.mark.parametrize("dumper", ["SafeDumper", "CSafeDumper"])
def test_yaml_is_read_as_it_was_meant_with_and_without_libyaml(config, monkeypatch, dumper):
    monkeypatch.setattr(run_settings, "DUMPER", getattr(yaml, dumper, yaml.SafeDumper))
    runs = [run.as_dict() for run in load_plan(config).runs.values()]
    for values in (*runs, config, {"title": "Ü – “q” 'a': #1, " * 12, "é": [None, "no", "1", 1e-5]}):
        assert yaml.safe_load(to_yaml(values)) == values


@pytest.mark.skipif(not hasattr(yaml, "CSafeDumper"), reason="PyYAML without libyaml")
def test_settings_are_written_the_same_with_and_without_libyaml(config, monkeypatch):
    runs = [run.as_dict() for run in load_plan(config).runs.values()]
    monkeypatch.setattr(run_settings, "DUMPER", yaml.CSafeDumper)
    quick = [to_yaml(each) for each in runs]
    monkeypatch.setattr(run_settings, "DUMPER", yaml.SafeDumper)
    assert quick == [to_yaml(each) for each in runs]


def test_new_ablation_needs_config_alone(config):
    new = changed(config, "runs/depth_20", {"hidden": [128] * 10})
    new = changed(new, "ablations/mine", {"title": "Deeper still", "runs": {"20": "depth_20", "4": "depth_4"}})
    plan = load_plan(new)
    assert plan.runs["depth_20"].settings.hidden == [128] * 10
    assert list(plan.runs).count("depth_4") == 1


def test_data_sets_settings_come_before_the_runs(config):
    special = load_plan(changed(config, "datasets/movielens-100k/runs/depth_6", {"lr": 0.123}))
    assert special.runs["depth_6"].settings == AutoEncoderSettings(hidden=[128] * 3, lr=0.123)


def test_recipe_comes_between_the_data_set_and_the_run(config):
    config = changed(config, "datasets/movielens-100k/recipes", {"fast": {"epochs": 7}})
    config = changed(config, "runs/quick", {"recipe": "fast", "lr": 0.5})
    config = changed(config, "ablations/quick", {"title": "Quick", "runs": {"quick": "quick"}})
    quick, plain = (load_plan(config).run(run) for run in ("quick", "depth_4"))
    assert (quick.settings.lr, quick.settings.epochs, quick.recipe) == (0.5, 7, "fast")
    assert quick.settings.optimizer == config["recipes"]["fast"]["optimizer"] != plain.settings.optimizer
    assert "recipe" not in plain.as_dict()


def test_a_shape_is_written_once(config):
    plan = load_plan(changed(config, "shapes/full", [6, 5]))
    assert plan.run("dropout_0.5").settings.hidden == plan.run("fast").settings.hidden == [6, 5]


def test_a_models_name_is_a_run_of_it(config):
    plan = load_plan({**config, "dataset": "netflix"})
    assert plan.run("bias").settings == type(plan.run("bias").settings)()
    assert load_plan(changed(config, "runs/als", {"rank": 3})).run("als").settings.rank == 3


def test_runs_with_the_same_settings_train_once(config):
    """A name means the same on every data set; where that makes two the same training, the first one trains."""
    ml, netflix = load_plan(config), load_plan({**config, "dataset": "netflix"})
    assert ml.groups["refeeding"]["high lr"] == ml.groups["dropout"]["p = 0.8"] == "dropout_0.8"
    assert ml.groups["refeeding"]["baseline"] == "low_lr"
    assert netflix.groups["refeeding"]["baseline"] == "dropout_0.8"
    assert netflix.groups["refeeding"]["re-feeding, high lr"] == netflix.groups["final"]["DeepRec"] == "deeprec"
    assert "high_lr" in netflix.runs and "high_lr" not in ml.runs
    # The paper's numbers follow the run that trains.
    assert netflix.paper["valid"]["deeprec"] == 0.91 and netflix.ablations["refeeding"].paper["dropout_0.8"] == 0.9167


def test_final_table_has_every_model_on_every_split(config):
    plan = load_plan(config)
    assert plan.final.splits == ["last30", "3m", "6m"]
    assert plan.final.runs["DeepRec"] == {"last30": "deeprec", "3m": "deeprec_3m", "6m": "deeprec_6m"}
    for model, runs in plan.final.runs.items():
        assert [plan.runs[run].split for run in runs.values()] == plan.final.splits, model
    # A copy is its run but for the split and what `runs` says of the copy.
    assert plan.runs["als_3m"].settings == plan.runs["als"].settings
    shape = {"hidden": config["shapes"]["3m"], "dropout": 0.65}
    assert plan.runs["deeprec_3m"].settings == plan.runs["deeprec"].with_settings(**shape).settings
    assert plan.paper["test"]["rrn_3m"] == 0.9427 and "rrn" not in plan.paper["test"]
    assert plan.groups["final"]["RRN on 3m"] == "rrn_3m" and plan.groups["final"]["RRN"] == "rrn"


def test_a_data_set_leaves_a_model_out(config):
    plan = load_plan(changed(config, "datasets/movielens-100k/final/models", {"RRN": None, "New": "als"}))
    assert "RRN" not in plan.final.runs and "RRN" not in plan.final.paper and "New" in plan.final.runs
    assert not any(run.startswith("rrn") for run in plan.runs)
    nothing = dict.fromkeys([*config["final"]["models"], "DeepRec, tuned shape", "DeepRec+, searched"])
    with pytest.raises(InputError, match="every model is null; expected one that is not"):
        load_plan(changed(config, "datasets/movielens-100k/final/models", nothing))
    with pytest.raises(InputError, match=r"final\.models\.RRN: found None; expected text"):
        load_plan(changed(config, "final/models/RRN", None))


def test_memory_is_reserved_for_what_each_model_took_at_netflixs_size(config):
    plan = load_plan({**config, "dataset": "netflix"})
    measured = {"als": 3300, "pca": 4000, "pmf": 1500, "rrn": 6400, "deeprec": 3900, "i_autorec": 16600}
    for run, megabytes in measured.items():
        assert megabytes + 400 <= plan.training_mb(run, 365) <= 20_000, run
    assert plan.training_mb("rrn", 0.2) == 2003


def test_what_the_search_chose_is_told(config):
    plan = load_plan(config)
    als = plan.run("als").settings
    assert plan.searched()["ALS"] == f"rank {als.rank}, l2 {als.l2}, init_std {als.init_std}"
    assert "DeepRec, tuned shape" in plan.searched() and "DeepRec+" not in plan.searched()


def test_a_space_stands_beside_its_setting_or_in_the_config(config):
    assert load_plan(config).space("als")["rank"] == {"choices": [4, 8, 16, 32, 64]}
    own = {"rank": {"choices": [3]}, "l2": {"log_uniform": [0.1, 1]}}
    assert load_plan(changed(config, "search/runs/als", own)).space("als") == own
    both = {"rank": None, "l2": {"uniform": [0.1, 1]}}
    assert load_plan(changed(config, "search/runs/als", both)).space("als") == {
        "rank": {"choices": [4, 8, 16, 32, 64]},
        "l2": {"uniform": [0.1, 1]},
    }
    shaped = load_plan(changed(config, "search/runs/deeprec", {"hidden": {"choices": ["6m", [4]]}}))
    assert shaped.space("deeprec") == {"hidden": {"choices": [[256, 256, 512], [4]]}}


KINDS = {
    "source": AnySource,
    "splits/3m": TimeSplit,
    "audit": AuditPlan,
    "tables": TablesPlan,
    "claims": ClaimsPlan,
    "ablations/width": AblationPlan,
    "final": FinalPlan,
    "report": ReportPlan,
    "search/deeprec_tuned": SearchPlan,
    "tuning": TuningPlan,
    "tracking": TrackingPlan,
}


@pytest.mark.parametrize("dataset", ["movielens-100k", "netflix", "simulated"])
@pytest.mark.parametrize("name", KINDS)
def test_a_rule_reads_what_the_plan_told(config, tmp_path, name, dataset):
    plan = load_plan({**config, "dataset": dataset})
    text = plan_text(plan, name)
    (tmp_path / "file.yaml").write_text(text)
    read = read_plan(tmp_path / "file.yaml", KINDS[name])
    assert isinstance(read, BaseModel)
    again = read.model_dump(mode="json", exclude_none=True)
    assert again == yaml.safe_load(text)


def test_any_title_reaches_its_figure(config, tmp_path):
    title = "Braces {x}, a quote ' and \" and $HOME: ü – all of it"
    plan = load_plan(changed(config, "ablations/depth/title", title))
    (tmp_path / "file.yaml").write_text(plan_text(plan, "ablations/depth"))
    assert read_plan(tmp_path / "file.yaml", AblationPlan).ablation.title == title


def test_the_run_of_a_search_is_whole(config, tmp_path):
    plan = load_plan(config)
    (tmp_path / "file.yaml").write_text(plan_text(plan, "search/als"))
    assert read_plan(tmp_path / "file.yaml", SearchPlan).parsed(tmp_path / "file.yaml") == plan.run("als")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "file.yaml: found list; expected keys and values"),
        ("a: [", "file.yaml: .*expected a YAML file"),
        ("{groups: {}, more: 1}", "file.yaml: unknown key more; choose from groups"),
        ("{}", "file.yaml: groups: missing; expected a value"),
    ],
)
def test_a_damaged_file_of_the_plan_is_named(tmp_path, text, message):
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_plan(tmp_path / "file.yaml", ClaimsPlan)


MIX = {"model": "blend", "members": ["als", "pmf"]}


def test_a_blend_asks_for_its_members(config):
    config = changed(config, "runs/mine", {"lr": 0.1})
    config = changed(config, "runs/mix", {**MIX, "members": ["mine", "als"]})
    plan = load_plan(changed(config, "ablations/mix", {"title": "A mix", "runs": {"mix": "mix"}}))
    assert {"mix", "mine", "als", "bias"} <= set(plan.runs)
    assert plan.inputs("mix", [3, 5]) == [(run, seed) for run in ("bias", "mine", "als") for seed in (3, 5)]


def test_a_blend_of_averaged_seeds_asks_for_all_of_them(config):
    plan = load_plan(changed(config, "runs/mix", {**MIX, "seeds": [0, 2]}))
    assert plan.inputs("mix", [1]) == [(run, seed) for run in ("bias", "als", "pmf") for seed in (0, 2)]


def test_a_blend_in_the_final_table_is_made_of_runs_of_its_split(config):
    plan = load_plan(config)
    assert plan.run("deeprec_plus_6m").settings.members[0] == "residual_users_6m"
    assert plan.run("deeprec_plus_6m").settings.base == "bias_6m"
    assert plan.run("residual_users_6m").split == "6m"
    assert plan.run("residual_users_6m").settings == plan.run("residual_users").settings


def test_changes_of_a_blend_are_those_of_its_members(config):
    config = changed(config, "runs/quiet", {"model": "blend", "members": ["raw_users", "raw_items"]})
    config = changed(config, "runs/quiet/changes", {"input_noise": 0.1})
    config = changed(config, "ablations/quiet", {"title": "Quiet", "runs": {"quiet": "quiet"}})
    plan = load_plan(config)
    assert plan.run("quiet").settings.members == ["quiet_raw_users", "quiet_raw_items"]
    plain = plan.run("raw_items").with_settings(input_noise=0.1)
    assert plan.run("quiet_raw_items").settings == plain.settings


def test_a_member_that_changes_leave_as_it_is_trains_once(config):
    config = changed(config, "runs/moved", {"model": "blend", "members": ["residual_users", "raw_items"]})
    config = changed(config, "runs/moved/changes", {"rows": "users"})
    config = changed(config, "ablations/moved", {"title": "Moved", "runs": {"moved": "moved"}})
    plan = load_plan(config)
    # Each is the very same training as a run that is there already.
    assert plan.run("moved").settings.members == ["residual_users", "raw_users"]


def test_a_model_that_a_data_set_leaves_out_is_left_out_of_blends(config):
    plan = load_plan(changed(config, "datasets/movielens-100k/final/models", {"RRN": None}))
    assert plan.run("rivals").settings.members == ["pca", "als", "pmf", "i_autorec", "u_autorec"]
    assert "rrn" not in plan.runs


def test_the_paper_alone_is_all_but_what_is_ours(config):
    whole, paper = load_plan(config), load_plan(config | {"only": "paper"})
    assert set(paper.runs) < set(whole.runs)
    assert all(paper.runs[name] == whole.runs[name] for name in paper.runs)
    assert set(whole.ablations) - set(paper.ablations) == {"recipe", "ingredients"}
    ours = {"DeepRec+", "DeepRec+, searched", "DeepRec, tuned shape", "Rivals, blended"}
    assert set(whole.models) - set(paper.models) == ours
    assert paper.final.paper == whole.final.paper and paper.original_runs == whole.original_runs
    assert "residual_items" not in paper.runs and not set(paper.runs) & set(paper.blends)


def test_a_run_like_another_differs_by_its_own_settings_alone(config):
    config = changed(config, "runs/mine", {"like": "refeed_high_lr", "dropout": 0.1})
    config = changed(config, "runs/mine_too", {"like": "mine", "lr": 0.3})
    plan = load_plan(config)
    base = plan.run("refeed_high_lr").settings  # MovieLens 100K's file sets its learning rate and epochs
    assert plan.run("mine").settings == base.model_copy(update={"dropout": 0.1})
    assert plan.run("mine_too").settings == base.model_copy(update={"dropout": 0.1, "lr": 0.3})


def test_a_data_set_says_from_which_rating_on_an_item_is_liked(config):
    for dataset in ("movielens-100k", "netflix", "simulated"):
        assert load_plan({**config, "dataset": dataset}).run("als").as_dict()["relevant"] == 4
    mine = {
        "like": "netflix",
        "title": "X",
        "source": "csv",
        "path": "r.csv",
        "columns": {"user": "u", "item": "i", "rating": "r", "date": "d"},
        "relevant": None,
    }
    plan = load_plan({**config, "dataset": "mine", "datasets": {"mine": mine}})
    assert "relevant" not in plan.run("als").as_dict()
