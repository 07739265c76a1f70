"""config.yaml: its check before any job, and what it says about one data set."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from deeprec.files import InputError

SCHEMA = Path(__file__).parent.parent / "workflow" / "schemas" / "config.schema.yaml"
DEFAULT_MODEL = "autoencoder"
# What a data set's entry says of the use of its ratings; all else defines the ratings themselves.
USES = {
    "title", "main_split", "split_seed", "splits", "audit", "audit_action", "models", "runs", "ablations",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What is to be made of one data set: its definition, the resolved runs, and the ablations."""

    config: dict[str, Any]

    @property
    def dataset(self) -> dict[str, Any]:
        """The chosen data set's definition."""
        return self.config["datasets"][self.config["dataset"]]

    @cached_property
    def ablations(self) -> dict[str, dict[str, Any]]:
        """Ablations by name, those of the data set last."""
        return {**self.config["ablations"], **self.dataset.get("ablations", {})}

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """The full settings of every run that an ablation names: model, split and the model's settings."""
        names = dict.fromkeys(run for ablation in self.ablations.values() for run in ablation["runs"].values())
        return {name: self._settings(name) for name in names}

    @cached_property
    def _defined(self) -> dict[str, dict[str, Any]]:
        special = self.dataset.get("runs", {})
        names = dict.fromkeys([*self.config["runs"], *special])
        return {name: {**self.config["runs"].get(name, {}), **special.get(name, {})} for name in names}

    def _settings(self, name: str) -> dict[str, Any]:
        run = self._defined[name]
        model = run.get("model", DEFAULT_MODEL)
        defaults = {"split": self.dataset["main_split"], **self.config["models"].get(model, {})}
        return {**defaults, **self.dataset.get("models", {}).get(model, {}), **run, "model": model}

    def run_settings(self, name: str) -> dict[str, Any]:
        """Return everything that defines a run but its seed, as `settings.yaml` keeps it."""
        settings = self.runs[name]
        split = settings["split"]
        return {
            "dataset": self.config["dataset"],
            "run": name,
            "split_definition": self.split_definition(split),
            **settings,
        }

    @property
    def source(self) -> dict[str, Any]:
        """What defines the data set's ratings table."""
        return {key: value for key, value in self.dataset.items() if key not in USES}

    @property
    def audit(self) -> dict[str, dict[str, dict[str, int]]]:
        """The published counts by split and part, empty where the data set has none."""
        return self.dataset.get("audit", {})

    def split_definition(self, split: str) -> dict[str, Any]:
        """Return everything that defines a split."""
        return {**self.dataset["splits"][split], "seed": self.dataset["split_seed"]}

    @property
    def splits(self) -> list[str]:
        """The splits that runs use, and so are made."""
        return list(dict.fromkeys(run["split"] for run in self.runs.values()))

    @property
    def paper(self) -> dict[str, dict[str, float]]:
        """The paper's Netflix RMSE, by the part that it was measured on (valid, test) and by run."""
        found: dict[str, dict[str, float]] = {"valid": {}, "test": {}}
        for ablation in self.ablations.values():
            found[ablation.get("paper_part", "valid")].update(ablation.get("paper", {}))
        return found

    @property
    def summary(self) -> dict[str, Any]:
        """What a report must know of the plan."""
        return {
            "dataset": self.config["dataset"],
            "title": self.dataset["title"],
            "main_split": self.dataset["main_split"],
            "seeds": self.config["seeds"],
            "ablations": self.ablations,
        }

    @property
    def seed_batches(self) -> list[list[int]]:
        """The seeds, as many together as one job trains."""
        seeds, size = self.config["seeds"], self.config["seeds_per_job"]
        return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def load_plan(config: dict[str, Any], schema_path: Path = SCHEMA) -> Plan:
    """Check a config and return its plan.

    Raises InputError that names every wrong key at once: its place, the value found and what was expected.
    """
    schema = yaml.safe_load(schema_path.read_text(encoding="utf-8"))
    problems = [_explain(error) for error in Draft202012Validator(schema).iter_errors(config)]
    if not problems:
        problems = list(_cross_check(config, schema))
    if problems:
        raise InputError("config: " + "\nconfig: ".join(problems))
    return Plan(deepcopy(config))


def _cross_check(config: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Yield what a schema cannot say: names that must exist, and each run against its model's settings."""
    if config["dataset"] not in config["datasets"]:
        yield f"unknown dataset {config['dataset']!r}; choose from {_choices(config['datasets'])}"
        return
    plan = Plan(config)
    if plan.dataset["main_split"] not in plan.dataset["splits"]:
        yield (
            f"datasets.{config['dataset']}.main_split: unknown split {plan.dataset['main_split']!r}; "
            f"choose from {_choices(plan.dataset['splits'])}"
        )
    if plan.dataset["source"] == "simulated":
        for place, found in (("key", config["dataset"]), ("title", plan.dataset["title"])):
            if "simulated" not in found.lower():
                yield (
                    f"datasets.{config['dataset']}: {place} {found!r}; "
                    "expected 'simulated' in it, for all that is made of simulated ratings must say so"
                )
    for split in plan.audit:
        if split not in plan.dataset["splits"]:
            yield (
                f"datasets.{config['dataset']}.audit: unknown split {split!r}; "
                f"choose from {_choices(plan.dataset['splits'])}"
            )
    for name, ablation in plan.ablations.items():
        for run in [*ablation["runs"].values(), *ablation.get("paper", {})]:
            if run not in plan._defined:
                yield f"ablation {name!r}: unknown run {run!r}; choose from {_choices(plan._defined)}"
        for panel in ablation.get("panels", []):
            for label in panel.get("runs", []):
                if label not in ablation["runs"]:
                    known = _choices(ablation["runs"])
                    yield f"ablation {name!r}: panel with unknown label {label!r}; choose from {known}"
    for name in plan._defined:
        yield from _check_run(plan, name, schema)


def _check_run(plan: Plan, name: str, schema: dict[str, Any]) -> Iterator[str]:
    settings = plan._settings(name)
    model, split = settings.pop("model"), settings.pop("split")
    known = schema["$defs"]["models"]["properties"]
    if model not in known:
        yield f"run {name!r}: unknown model {model!r}; choose from {_choices(known)}"
        return
    if split not in plan.dataset["splits"]:
        yield f"run {name!r}: unknown split {split!r}; choose from {_choices(plan.dataset['splits'])}"
    whole = {
        **schema["$defs"][model],
        "required": list(schema["$defs"][model]["properties"]),
        "$defs": schema["$defs"],
    }
    for error in Draft202012Validator(whole).iter_errors(settings):
        yield f"run {name!r}: {_explain(error)}"


def _explain(error: ValidationError) -> str:
    """Return one line: the key, what was found, what was expected."""
    place = ".".join(str(step) for step in error.absolute_path)
    at = f"{place}: " if place else ""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [key for key in error.instance if key not in known]
        return f"{at}unknown key {_choices(unknown)}; choose from {_choices(known)}"
    if error.validator == "enum":
        return f"{at}found {error.instance!r}; choose from {_choices(error.validator_value)}"
    about = error.schema.get("description")
    return f"{at}{error.message}" + (f" ({about})" if about else "")


def _choices(names: Any) -> str:
    return ", ".join(map(str, names))
