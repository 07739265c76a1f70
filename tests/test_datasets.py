"""The data sets in config.yaml, and what is refused in such an entry."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deeprec.config import load_plan
from deeprec.files import InputError
from deeprec.splits import parse_split

ROOT = Path(__file__).parent.parent
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
SPLITS = {"s": {"kind": "per_user", "test_fraction": 0.5}}
USE = {"title": "Simulated or mine", "main_split": "s", "split_seed": 0, "splits": SPLITS}
SOURCES = {
    "netflix": {"url": "https://x.org/a.tar.gz", "md5": 32 * "0", "bytes": 5},
    "movielens": {"archive": "ml-25m"},
    "csv": {"path": "r.csv", "columns": {"user": "u", "item": "i", "rating": "r", "timestamp": "t"}},
    "simulated": {"n_ratings": 1000, "n_users": 10, "n_items": 500, "noise": 0.5, "seed": 1},
}


def config_with(source: str, **changes: Any) -> dict[str, Any]:
    entry = {**USE, "source": source, **SOURCES[source], **changes}
    entry = {key: value for key, value in entry.items() if value is not None}
    name = "simulated-mine" if source == "simulated" else "mine"
    return {**deepcopy(CONFIG), "dataset": name, "datasets": {name: entry}}


@pytest.mark.parametrize("dataset", CONFIG["datasets"])
def test_every_data_set_of_the_config_is_sound(dataset: str) -> None:
    plan = load_plan({**CONFIG, "dataset": dataset})
    for split in plan.dataset["splits"]:
        parse_split(split, plan.split_definition(split))
    assert set(plan.audit) <= set(plan.dataset["splits"])


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_takes_its_keys(source: str) -> None:
    plan = load_plan(config_with(source))
    assert plan.source == {"source": source, **SOURCES[source]}


def test_only_what_defines_the_ratings_is_in_the_source() -> None:
    plan = load_plan({**CONFIG, "dataset": "netflix"})
    assert set(plan.source) == {"source", "url", "md5", "bytes"}


@pytest.mark.parametrize(
    ("source", "changes", "reason"),
    [
        ("netflix", {"archive": "ml-1m"}, "datasets.mine: unknown key archive; choose from url, path, md5"),
        ("netflix", {"url": None}, "names a url or a path"),
        ("netflix", {"url": "ftp://x"}, "datasets.mine.url: 'ftp://x' does not match"),
        ("netflix", {"md5": "123"}, "datasets.mine.md5"),
        ("netflix", {"audit_action": "maybe"}, "found 'maybe'; choose from stop, warn"),
        ("netflix", {"audit": {"3m": {"train": {"ratings": 1}}}}, "datasets.mine.audit.3m"),
        ("movielens", {"archive": "ml-2m"}, "found 'ml-2m'; choose from ml-100k"),
        ("movielens", {"archive": None}, "'archive' is a required property"),
        ("csv", {"columns": {"user": "u", "item": "i", "rating": "r"}}, "names a date or a timestamp"),
        ("csv", {"delimiter": "::"}, "datasets.mine.delimiter: '::' is too long"),
        ("csv", {"n_ratings": 5}, "unknown key n_ratings"),
        ("simulated", {"noise": -1}, "datasets.simulated-mine.noise"),
        ("simulated", {"seed": None}, "'seed' is a required property"),
        ("simulated", {"title": "Netflix"}, "title 'Netflix'; expected 'simulated' in it"),
    ],
)
def test_bad_entry_is_refused(source: str, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as error:
        load_plan(config_with(source, **changes))
    assert reason in str(error.value)


def test_key_of_simulated_ratings_says_so() -> None:
    """It stands in every path and in MLflow."""
    config = config_with("simulated")
    config |= {"dataset": "mine", "datasets": {"mine": config["datasets"]["simulated-mine"]}}
    with pytest.raises(InputError, match=r"datasets.mine: key 'mine'; expected 'simulated' in it"):
        load_plan(config)


def test_unknown_source_is_refused() -> None:
    config = config_with("netflix")
    config["datasets"]["mine"]["source"] = "netflex"
    with pytest.raises(InputError, match="found 'netflex'; choose from netflix, movielens, csv, simulated"):
        load_plan(config)


def test_audit_of_an_unknown_split_is_refused() -> None:
    counts = {"ratings": 1, "users": 1, "items": 1}
    audit = {"x": {"train": counts, "test": counts}}
    with pytest.raises(InputError, match="audit: unknown split 'x'; choose from s"):
        load_plan(config_with("netflix", audit=audit))


def test_netflix_is_the_paper_s() -> None:
    plan = load_plan({**CONFIG, "dataset": "netflix"})
    final = {split: plan.runs[run] for split, run in plan.final["runs"]["DeepRec"].items()}
    shapes = {name: (run["hidden"], run["dropout"]) for name, run in final.items()}
    assert shapes == {
        "3m": ([128, 256, 256], 0.65),
        "6m": ([256, 256, 512], 0.8),
        "1y": ([256, 256, 512], 0.8),
        "full": ([512, 512, 1024], 0.8),
    }
    assert all((run["refeed"], run["lr"], run["epochs"]) == (1, 0.005, 100) for run in final.values())
    assert plan.paper["test"]["deeprec"] == 0.9099 and plan.paper["valid"]["deeprec"] == 0.91
    everything = [str(settings) for settings in plan.runs.values()]
    assert len(everything) == len(set(everything))  # on Netflix a training costs hours: none twice
    assert plan.runs["depth_6"]["lr"] == 0.001
    assert plan.splits == ["full", "3m", "6m", "1y"]
    assert sum(counts["train"]["ratings"] for counts in plan.audit.values()) == 182_381_144
