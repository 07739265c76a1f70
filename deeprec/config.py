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
from deeprec.settings import SHARED

SCHEMA = Path(__file__).parent.parent / "workflow" / "schemas" / "config.schema.yaml"
DEFAULT_MODEL = "autoencoder"
FINAL = "final"  # the final table's name among the ablations
# What a data set's entry says of the use of its ratings; all else defines the ratings themselves.
USES = {
    "title", "main_split", "split_seed", "splits", "audit", "audit_action",
    "models", "recipes", "runs", "ablations", "final",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What is to be made of one data set: its definition, the resolved runs, the ablations and the final table."""

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
        """The full settings of every run that an ablation or the final table names."""
        groups = [*(ablation["runs"] for ablation in self.ablations.values()), *self.final["runs"].values()]
        names = dict.fromkeys(run for group in groups for run in group.values())
        return {name: self._settings(name) for name in names}

    @cached_property
    def final(self) -> dict[str, Any]:
        """The final table: its splits, the run of every model on each (`runs`), and the paper's numbers."""
        base, special = self.config["final"], self.dataset.get("final", {})
        named = {**base["models"], **special.get("models", {})}
        models = {name: run for name, run in named.items() if run is not None}
        merged = {**base, **special}
        paper = {name: values for name, values in merged["paper"].items() if named.get(name, "") is not None}
        splits = list(self.dataset["splits"])
        main = self.dataset["main_split"]
        runs = {name: {s: run if s == main else f"{run}_{s}" for s in splits} for name, run in models.items()}
        return {**merged, "models": models, "paper": paper, "splits": splits, "main_split": main, "runs": runs}

    @cached_property
    def _defined(self) -> dict[str, dict[str, Any]]:
        special = self.dataset.get("runs", {})
        names = dict.fromkeys([*self.config["runs"], *special])
        defined = {name: {**self.config["runs"].get(name, {}), **special.get(name, {})} for name in names}
        for model, run in self.final["models"].items():
            for split, copy in self.final["runs"][model].items():
                defined[copy] = {**defined.get(run, {}), **defined.get(copy, {}), "split": split}
        return defined

    def _settings(self, name: str) -> dict[str, Any]:
        run = self._defined[name]
        model = run.get("model", DEFAULT_MODEL)
        settings = {"split": self.dataset["main_split"]}
        for source in (self.config, self.dataset):
            settings |= source.get("models", {}).get(model, {})
        for source in (self.config, self.dataset):
            settings |= source.get("recipes", {}).get(run.get("recipe"), {})
        return {**settings, **run, "model": model}

    def run_settings(self, name: str) -> dict[str, Any]:
        """Return everything that defines a run but its seed, as `settings.yaml` keeps it."""
        settings = self._settings(name)
        split = settings["split"]
        return {
            "dataset": self.config["dataset"],
            "run": name,
            "split_definition": self.split_definition(split),
            **settings,
        }

    def processes(self, name: str) -> int:
        """Return how many processes train a run: `processes`, but one for a model that cannot be shared."""
        return self.config["processes"] if self.runs[name]["model"] in SHARED else 1

    def training_mb(self, run: str, size_mb: float) -> int:
        """Return the MB to reserve for a run, by the size of its split's files (docs/scale.md)."""
        # I-AutoRec's weights are many per user, with momenta and gradients: more than any model's ratings take.
        return round(2000 + size_mb * (45 if self._settings(run).get("rows") == "items" else 15))

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
        for model, values in self.final["paper"].items():
            runs = self.final["runs"][model]
            found["test"] |= {runs[split]: value for split, value in values.items() if split in runs}
        return found

    @property
    def groups(self) -> dict[str, dict[str, str]]:
        """The runs of each ablation by label; the final table's labels are "MODEL" and "MODEL on SPLIT"."""
        main = self.dataset["main_split"]
        final = {
            model if split == main else f"{model} on {split}": run
            for model, runs in self.final["runs"].items()
            for split, run in runs.items()
        }
        return {**{name: ablation["runs"] for name, ablation in self.ablations.items()}, FINAL: final}

    @property
    def summary(self) -> dict[str, Any]:
        """What a report must know of the plan."""
        return {
            "dataset": self.config["dataset"],
            "title": self.dataset["title"],
            "main_split": self.dataset["main_split"],
            "seeds": self.config["seeds"],
            "ablations": self.ablations,
            "final": {**self.final, "settings": self._searched()},
            "search": self.config["search"],
        }

    def _searched(self) -> dict[str, str]:
        """What the search may change of each model in the final table, as it stands, in words."""
        spaces = self.config["search"]["spaces"]
        return {
            model: ", ".join(f"{name} {self._settings(run)[name]}" for name in spaces.get(run, {}))
            for model, run in self.final["models"].items()
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
    if FINAL in plan.ablations:
        yield f"ablation {FINAL!r}: the final table has this name; choose another"
    known = {**config["runs"], **plan.dataset.get("runs", {})}
    for model, run in plan.final["models"].items():
        if run not in known:
            yield f"final.models.{model}: unknown run {run!r}; choose from {_choices(known)}"
    if not plan.final["models"]:
        yield f"datasets.{config['dataset']}.final.models: every model is null; expected one that is not"
    for model in plan.final["paper"]:
        if model not in plan.final["models"]:
            yield f"final.paper: unknown model {model!r}; choose from {_choices(plan.final['models'])}"
    for name, run in plan._defined.items():
        if "recipe" in run and run["recipe"] not in config["recipes"]:
            yield f"run {name!r}: unknown recipe {run['recipe']!r}; choose from {_choices(config['recipes'])}"
        yield from _check_run(plan, name, plan._settings(name), schema)
    for name, space in config["search"]["spaces"].items():
        if name not in plan._defined:
            yield f"search.spaces: unknown run {name!r}; choose from {_choices(plan._defined)}"
            continue
        for setting, among in space.items():
            yield from _check_draw(plan, name, setting, among, schema)


def _check_draw(
    plan: Plan, name: str, setting: str, among: dict[str, list[Any]], schema: dict[str, Any]
) -> Iterator[str]:
    """Yield what is wrong with a setting's draws: each value must be one that the run may have."""
    at = f"search.spaces.{name}.{setting}"
    [(kind, values)] = among.items()
    if kind != "choices" and values[0] >= values[1]:
        yield f"{at}.{kind}: found {values}; expected the low end before the high one"
    for value in values:
        for problem in _check_run(plan, name, {**plan._settings(name), setting: value}, schema):
            yield f"{at}: {problem}"


def _check_run(plan: Plan, name: str, settings: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    model, split = settings.pop("model"), settings.pop("split")
    settings.pop("recipe", None)
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
