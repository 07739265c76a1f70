"""What config.yaml and a data set's file may say, key by key."""

import re
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, Field, create_model, field_validator, model_validator
from pydantic_core import PydanticCustomError

from deeprec.runtime.addresses import INSTEAD, has_password
from deeprec.settings.audit import Audit, Count
from deeprec.settings.base import Settings, Space, setting
from deeprec.settings.original import OriginalSettings
from deeprec.settings.sources import SOURCES, Source
from deeprec.settings.splits import TimeSplit

LONGEST = 60  # characters of a name: a file's has those of a run, a split, a seed and a process, and 255 at most
FINAL = "final"  # the final table's name among the ablations
NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"


def _named(entries: dict[str, Any]) -> dict[str, Any]:
    for name in entries:
        if not re.fullmatch(NAME, name):
            raise ValueError(
                f"the name {name!r} becomes part of a path; expected letters, digits, '.', '_' and '-' only, "
                "a letter or digit first"
            )
        if len(name) > LONGEST:
            raise ValueError(
                f"the name {name!r} has {len(name)} characters; expected at most {LONGEST}, for file names"
            )
    return entries


Named = AfterValidator(_named)
Values = dict[str, Any]  # settings that differ; checked against the model's class by `checks`
Runs = dict[str, str]  # label: run


class Panel(Settings):
    """One panel of an ablation's figure."""

    show: Literal["best_valid", "test", "change", "train", "valid", "steps", "seconds"] = setting(
        ..., "RMSE by run, its change from a reference, by epoch, in training by step, or by seconds of training"
    )
    reference: str = setting("", "label of the run that `change` is counted from; verdicts are made of such a panel")
    expect: Literal["worse", "better"] = setting("worse", "what the runs of a `change` should be than the reference")
    axis: str = setting("Run", "what the runs' labels are, for best_valid and test")
    title: str = setting("", "headline of the panel")
    runs: list[str] | None = setting(None, "labels of the runs to draw; all where absent", min_length=1)
    lines: dict[str, float] = setting({}, "RMSE to draw across a panel of curves, by label", unit="stars")

    @model_validator(mode="after")
    def _check_lines(self) -> Self:
        if self.lines and self.show in ("best_valid", "test", "change"):
            raise ValueError(f"lines: found with show {self.show!r}; expected train, valid, steps or seconds")
        return self


class Ablation(Settings):
    """The runs behind one figure."""

    title: str = setting(..., "headline of the figure", min_length=1)
    runs: Runs = setting(..., "label in the figure: run", min_length=1)
    experiment: Literal["A", "B", "C", "D", "E", "F", "G"] | None = setting(
        None, "the paper's experiment, A to F; G is ours"
    )
    slide: int | None = setting(None, "page of the paper's slides", ge=1)
    note: str | None = setting(None, "what the report says below the figure", min_length=1)
    panels: list[Panel] = setting([Panel(show="valid")], "what is drawn", min_length=1)
    paper: dict[str, float] = setting({}, "the paper's RMSE on Netflix, by run", unit="stars")
    paper_part: Literal["valid", "test"] = setting("valid", "the part that the paper's RMSE was measured on")


class Final(Settings):
    """The final table: every model on every split of the data set."""

    models: Runs = setting(..., "name in the table: run", min_length=1)
    tuned: int = setting(0, "trials of the search that chose the runs' settings on this data set; 0: none did", ge=0)
    paper: dict[str, dict[str, float]] = setting({}, "the paper's test RMSE on Netflix, by name, split", unit="stars")


class FinalOfDataset(Settings):
    """What a data set changes of the final table."""

    models: dict[str, str | None] = setting({}, "models that are added or, as null, left out")
    tuned: int | None = setting(
        None, "trials of the search that chose the runs' settings on this data set; 0: none did", ge=0
    )
    paper: dict[str, dict[str, float]] | None = setting(None, "other numbers of the paper's", unit="stars")


class Search(Settings):
    """The search for settings."""

    trials: int = setting(..., "trainings a run, those that are cut short among them", ge=1)
    seed: int = setting(..., "of the sampling and of every training", ge=0)
    runs: dict[str, list[str] | dict[str, Space | None]] = setting(
        ..., "the settings to search, by run: names, or names with a space (null: its own); a run as null is left out",
        min_length=1,
    )  # fmt: skip

    @field_validator("runs", mode="before")
    @classmethod
    def _left_out(cls, runs: Any) -> Any:
        return {run: tried for run, tried in runs.items() if tried is not None} if isinstance(runs, dict) else runs


class Dataset(Source):
    """A data set: what defines its ratings (its source's keys), and how they are used."""

    title: str = setting(..., "name in figures and tables", min_length=1)
    like: str | None = setting(None, "data set whose splits and settings count where this one says nothing else")
    main_split: str = setting(..., "split of the runs that name none")
    split_seed: int = setting(..., "seed of the sampling between validation and test, and of ties", ge=0)
    splits: Annotated[dict[str, TimeSplit], Named] = setting(..., "splits by time, by name", min_length=1)
    relevant: float | None = setting(
        None, "rating from which on an item counts as liked, for NDCG@10 and Recall@10; they are left out where absent",
        unit="stars",
    )  # fmt: skip
    audit: Audit = setting({}, "published counts by split")
    audit_action: Literal["stop", "warn"] = setting("stop", "what a count that differs does")
    models: dict[str, Values] = setting({}, "settings that differ for this data set, by model")
    recipes: dict[str, Values] = setting({}, "settings of recipes that differ for this data set")
    runs: Annotated[dict[str, Values], Named] = setting({}, "runs that exist or differ for this data set")
    ablations: Annotated[dict[str, Ablation | None], Named] = setting(
        {}, "ablations that exist for this data set only; one of config.yaml's as null is left out"
    )
    final: FinalOfDataset = setting(FinalOfDataset(), "what this data set changes of the final table")

    @property
    def definition(self) -> Source:
        """What defines the ratings table, and nothing of its use."""
        kind = SOURCES[self.source]
        return kind(**{name: getattr(self, name) for name in kind.model_fields})


# A data set's keys lie side by side in its file, those of its source among them.
DATASETS = {
    name: cast(type[Dataset], create_model(f"{kind.__name__}Dataset", __base__=(Dataset, kind)))
    for name, kind in SOURCES.items()
}


def _different(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("expected no seed twice")
    return seeds


STORES = "sqlite:///FILE, http://…, https://…, postgresql://…, mysql://…, mssql://…, databricks"


def _a_store(uri: str) -> str:
    if has_password(uri):
        raise PydanticCustomError("told", "{words}", {"words": INSTEAD})  # any other error shows what was found
    if not re.fullmatch(r"sqlite:///.*[^/]|(https?|(postgresql|mysql|mssql)(\+\w+)?)://.+|databricks(://.+)?", uri):
        raise ValueError(f"choose from {STORES}")
    return uri


class Config(Settings):
    """config.yaml."""

    dataset: str = setting(..., "the data set to use: a file of workflow/datasets/, or a key of `datasets`")
    only: Literal["paper"] | None = setting(
        None,
        "paper: the paper's experiments A to F alone, without what is ours: DeepRec+, other blends, models that a data "
        "set adds, recipes, G",
    )
    seeds: Annotated[list[Count], AfterValidator(_different)] = setting(
        ..., "one training a run and seed", min_length=1
    )
    seeds_per_job: int = setting(..., "seeds that one job trains in turn", ge=1)
    device: Literal["auto", "cpu", "cuda"] = setting(..., "where to train")
    gpu_model: str = setting("", "kind of GPU that jobs of a cluster ask for, by its name there", pattern=r"^[\w.]*$")
    threads: int = setting(..., "CPU threads of a training", ge=1)
    processes: int = setting(..., "processes of a training of the autoencoder", ge=1)
    save_seconds: float = setting(..., "between two saved training states", unit="seconds", ge=0)
    tracking_uri: Annotated[str, AfterValidator(_a_store)] = setting(..., "MLflow tracking URI")
    shapes: Annotated[dict[str, list[Annotated[int, Field(ge=1)]]], Named] = setting(
        {}, "sizes of an encoder's layers, by the name that `hidden` may give"
    )
    models: dict[str, Values] = setting({}, "settings that differ from the defaults, by model")
    recipes: Annotated[dict[str, Values], Named] = setting({}, "settings of the autoencoder, by a way to train it")
    runs: Annotated[dict[str, Values], Named] = setting(..., "what differs from the model's settings, by run")
    ablations: Annotated[dict[str, Ablation | None], Named] = setting(..., "the runs behind a figure; null: left out")
    final: Final = setting(..., "the final table")
    search: Search = setting(..., "how settings are searched")
    across: list[str] = setting(
        [], "data sets whose verdicts `across` sets side by side, and makes where they are missing"
    )
    original: OriginalSettings = setting(
        OriginalSettings(), "the authors' own program, which `original` trains beside ours"
    )
    datasets: Annotated[dict[str, Values], Named] = setting({}, "data sets of one's own, or changes of others")
