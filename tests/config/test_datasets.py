"""The data sets that come with the project, and what is refused in such an entry."""

from typing import Any

import pytest

from deeprec.config.checks import FOLDER, load_plan
from deeprec.config.plan_files import plan_text
from deeprec.runtime.files import InputError

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SPLITS = {"s": {"kind": "per_user", "test_fraction": 0.5}}
USE = {"title": "Simulated or mine", "main_split": "s", "split_seed": 0, "splits": SPLITS}
SOURCES = {
    "netflix": {"url": "https://x.org/a.tar.gz", "md5": 32 * "0", "bytes": 5},
    "movielens": {"archive": "ml-25m"},
    "csv": {"path": "r.csv", "columns": {"user": "u", "item": "i", "rating": "r", "timestamp": "t"}},
    "simulated": {"n_ratings": 1000, "n_users": 10, "n_items": 500, "noise": 0.5, "seed": 1},
}


def config_with(config: dict, kind: str, **changes: Any) -> dict[str, Any]:
    entry = {**USE, "source": kind, **SOURCES[kind], **changes}
    entry = {key: value for key, value in entry.items() if value is not None}
    name = "simulated-mine" if kind == "simulated" else "mine"
    return {**config, "dataset": name, "datasets": {name: entry}}


@pytest.mark.parametrize("dataset", NAMES)
def test_every_data_set_is_sound(config, dataset: str) -> None:
    plan = load_plan({**config, "dataset": dataset})
    assert set(plan.audit) <= set(plan.dataset.splits)
    assert all(plan.split_definition(split).seed is not None for split in plan.dataset.splits)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_takes_its_keys_and_nothing_of_their_use(config, source: str) -> None:
    definition = load_plan(config_with(config, source)).dataset.definition
    found = definition.model_dump(exclude_none=True, exclude_defaults=True)
    assert found == {"source": source, **SOURCES[source]}


def test_a_data_set_is_like_another_but_for_its_own(config) -> None:
    ours, netflix = (load_plan({**config, "dataset": name}) for name in ("simulated", "netflix"))
    assert ours.dataset.splits == netflix.dataset.splits and not ours.audit
    assert ours.run("pmf").settings == netflix.run("pmf").settings
    assert (ours.run("depth_6").settings.lr, netflix.run("depth_6").settings.lr) == (0.005, 0.001)


def test_likeness_is_handed_on_and_never_goes_in_a_circle(config) -> None:
    mine = {"source": "csv", "path": "r.csv", "columns": SOURCES["csv"]["columns"], "title": "Mine"}
    third = {**config, "dataset": "mine", "datasets": {"mine": {**mine, "like": "simulated"}}}
    plan = load_plan(third)
    assert set(plan.dataset.splits) == {"3m", "6m", "1y", "full"}  # Netflix's, by way of `simulated`
    assert plan.run("depth_6").settings.lr == 0.005  # of `simulated`
    circle = {"a": {**mine, "like": "b"}, "b": {**mine, "like": "a"}}
    with pytest.raises(InputError, match=r"datasets\.b\.like: found 'a'; choose from movielens-100k"):
        load_plan({**config, "dataset": "a", "datasets": circle})


def test_an_entry_of_the_config_changes_a_file(config) -> None:
    plan = load_plan({**config, "dataset": "netflix", "datasets": {"netflix": {"path": "/data/x.zip"}}})
    assert plan.dataset.path == "/data/x.zip" and plan.dataset.title == "Netflix Prize"


@pytest.mark.parametrize(
    ("source", "changes", "reason"),
    [
        (
            "netflix",
            {"archive": "ml-1m"},
            "datasets.mine: unknown key archive; choose from source, min_ratings, url, path, md5",
        ),
        ("netflix", {"url": None}, "datasets.mine: expected a url or a path"),
        ("netflix", {"url": "ftp://x"}, "datasets.mine.url: found 'ftp://x'"),
        ("netflix", {"md5": "123"}, "datasets.mine.md5: found '123'"),
        ("netflix", {"audit_action": "maybe"}, "audit_action: found 'maybe'; choose from stop, warn"),
        ("netflix", {"audit": {"3m": {"train": {"ratings": 1}}}}, "datasets.mine.audit.3m.train.users: missing"),
        ("movielens", {"archive": "ml-2m"}, "datasets.mine.archive: found 'ml-2m'; choose from ml-100k"),
        ("movielens", {"archive": None}, "datasets.mine.archive: missing"),
        ("csv", {"columns": {"user": "u", "item": "i", "rating": "r"}}, "expected a date or a timestamp"),
        ("csv", {"delimiter": ""}, "datasets.mine.delimiter: found ''; expected at least 1 characters"),
        ("csv", {"delimiter": '"'}, "datasets.mine.delimiter: found '\"'"),
        ("csv", {"zero": "keep"}, "datasets.mine.zero: found 'keep'; choose from refuse, drop"),
        ("csv", {"min_ratings": 0}, "datasets.mine.min_ratings.user: found 0; expected at least 1"),
        ("csv", {"min_ratings": {"users": 5}}, "min_ratings: unknown key users; choose from user, item"),
        ("csv", {"min_ratings": True}, "datasets.mine.min_ratings: found True; expected a mapping"),
        ("csv", {"n_ratings": 5}, "unknown key n_ratings"),
        ("simulated", {"noise": -1}, "datasets.simulated-mine.noise: found -1; expected at least 0"),
        ("simulated", {"seed": None}, "datasets.simulated-mine.seed: missing"),
        ("simulated", {"title": "Netflix"}, "title 'Netflix'; expected 'simulated' in it"),
        ("netflix", {"source": "netflex"}, "source: found 'netflex'; choose from netflix, movielens, csv, simulated"),
    ],
)
def test_bad_entry_is_refused(config, source: str, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as error:
        load_plan(config_with(config, source, **changes))
    assert reason in str(error.value)


def test_key_of_simulated_ratings_says_so(config) -> None:
    """It stands in every path and in MLflow."""
    config = config_with(config, "simulated")
    config |= {"dataset": "mine", "datasets": {"mine": config["datasets"]["simulated-mine"]}}
    with pytest.raises(InputError, match=r"datasets.mine: key 'mine'; expected 'simulated' in it"):
        load_plan(config)


def test_a_part_of_netflix_is_not_audited_and_says_so(config) -> None:
    part = {"path": "combined_data_1.txt", "partial": True}
    with pytest.raises(InputError, match="title 'Netflix Prize'; expected 'part' in it, since partial is true"):
        load_plan({**config, "dataset": "netflix", "datasets": {"netflix": part}})
    plan = load_plan({**config, "dataset": "netflix", "datasets": {"netflix": {**part, "title": "Netflix, in part"}}})
    assert plan.dataset.audit and not plan.audit
    assert "source: netflix, in part" in plan_text(plan, "report")  # so that the report does not take it for Netflix


def test_audit_of_an_unknown_split_is_refused(config) -> None:
    counts = {"ratings": 1, "users": 1, "items": 1}
    audit = {"x": {"train": counts, "test": counts}}
    with pytest.raises(InputError, match="audit: unknown split 'x'; choose from s"):
        load_plan(config_with(config, "netflix", audit=audit))


def test_netflix_is_the_paper_s(config) -> None:
    plan = load_plan({**config, "dataset": "netflix"})
    final = {split: plan.runs[run].settings for split, run in plan.final.runs["DeepRec"].items()}
    shapes = {name: (run.hidden, run.dropout) for name, run in final.items()}
    assert shapes == {
        "3m": ([128, 256, 256], 0.65),
        "6m": ([256, 256, 512], 0.8),
        "1y": ([256, 256, 512], 0.8),
        "full": ([512, 512, 1024], 0.8),
    }
    assert all((run.refeed, run.lr, run.epochs) == (1, 0.005, 100) for run in final.values())
    assert plan.paper["test"]["deeprec"] == 0.9099 and plan.paper["valid"]["deeprec"] == 0.91
    everything = [(run.model, run.split, str(run.settings)) for run in plan.runs.values()]
    assert len(everything) == len(set(everything))  # on Netflix a training costs hours: none twice
    assert plan.runs["depth_6"].settings.lr == 0.001
    assert plan.splits == ["full", "3m", "6m", "1y"]
    assert sum(parts.train.ratings for parts in plan.audit.values()) == 182_381_144
