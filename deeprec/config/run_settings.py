"""settings.yaml: everything that defines one training."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from deeprec.runtime.files import InputError, write_text
from deeprec.settings.base import ModelSettings, Settings, problems, setting
from deeprec.settings.models import MODELS
from deeprec.settings.splits import TimeSplit, parse_split

S = TypeVar("S", bound=ModelSettings)
NAMES = ("dataset", "run", "seed", "split", "split_definition", "model")  # beside the model's own settings
OPTIONAL = ("recipe", "relevant")
# libyaml's, where there is one: the same values in a fourth of the time.
DUMPER, LOADER = getattr(yaml, "CSafeDumper", yaml.SafeDumper), getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Names(Settings):
    """What settings.yaml says beside the split's definition and the model's settings."""

    dataset: str = setting(..., "name of the data set", min_length=1)
    run: str = setting(..., "name of the run", min_length=1)
    split: str = setting(..., "name of the split", min_length=1)
    recipe: str | None = setting(..., "way to train")
    relevant: float | None = setting(..., "rating from which on an item is relevant", unit="stars")
    seed: int | None = setting(..., "of the training", ge=0)


@dataclass(frozen=True)
class Run:
    """One training: what is trained on what, and with which seed; None where a plan speaks of all seeds."""

    dataset: str
    name: str
    split: str
    split_definition: TimeSplit
    settings: ModelSettings
    recipe: str | None = None
    seed: int | None = None
    relevant: float | None = None  # stars from which on a test rating counts for NDCG and recall

    @property
    def model(self) -> str:
        """The model's name."""
        return self.settings.model

    def with_seed(self, seed: int) -> "Run":
        """Return the training with a seed."""
        return replace(self, seed=seed)

    def with_settings(self, **changes: Any) -> "Run":
        """Return the training with other settings of its model; raise ValidationError where they are wrong."""
        return replace(self, settings=type(self.settings)(**{**self.settings.model_dump(), **changes}))

    def settings_as(self, kind: type[S]) -> S:
        """Return the settings as those of the model that they are of."""
        if not isinstance(self.settings, kind):
            raise InputError(f"run {self.name!r}: found a model {self.model!r}; expected {kind.model!r}")
        return self.settings

    def as_dict(self) -> dict[str, Any]:
        """Return the flat mapping that settings.yaml holds."""
        named: dict[str, Any] = {"dataset": self.dataset, "run": self.name, "seed": self.seed, "split": self.split}
        named |= {"split_definition": self.split_definition.model_dump(mode="json", exclude_none=True)}
        named |= {"relevant": self.relevant, "model": self.model, "recipe": self.recipe}
        return {name: value for name, value in named.items() if value is not None} | self.settings.model_dump()

    @property
    def hash(self) -> str:
        """12 hex digits that change whenever anything in the training's settings does."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:12]


def parse_run(values: Mapping[str, Any], origin: str) -> Run:
    """Return the run that a flat mapping defines, as `Run.as_dict` gives it.

    Raises InputError naming `origin` where it does not define a whole run: nothing in it takes a default silently.
    """
    if missing := [name for name in NAMES if name not in values and name != "seed"]:
        raise InputError(f"{origin}: missing {', '.join(sorted(missing))}; expected the settings of one run")
    kind = MODELS.get(values["model"]) if isinstance(values["model"], str) else None
    if kind is None:
        raise InputError(f"{origin}: model: found {values['model']!r}; choose from {', '.join(MODELS)}")
    own = {name: value for name, value in values.items() if name not in (*NAMES, *OPTIONAL)}
    if missing := [name for name in kind.model_fields if name not in own]:
        raise InputError(f"{origin}: run {values['run']!r}: missing settings {', '.join(missing)}")
    try:
        names = _Names.model_validate({name: values.get(name) for name in _Names.model_fields})
        split, settings = parse_split(values["split_definition"]), kind(**own)
    except ValidationError as error:
        raise InputError("\n".join(f"{origin}: {problem}" for problem in problems(error))) from error
    return Run(
        names.dataset, names.run, names.split, split, settings, names.recipe, names.seed, relevant=names.relevant
    )


def write_run(run: Run, path: Path) -> None:
    """Write a run's settings, with its seed, as YAML."""
    write_text(path, to_yaml(run.as_dict()))


def read_run(path: Path) -> Run:
    """Read settings.yaml; raise InputError where it does not define one training."""
    values = read_yaml(path)
    if "seed" not in values:
        raise InputError(f"{path}: missing seed; expected the settings of one training")
    return parse_run(values, str(path))


def to_yaml(values: Mapping[str, Any]) -> str:
    """Return a mapping as YAML, its keys in their order."""
    return str(yaml.dump(dict(values), Dumper=DUMPER, sort_keys=False, default_flow_style=None))


class _Strict(LOADER):  # type: ignore[misc, valid-type]
    """Refuses a key that is given twice, of which YAML's own loader takes the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise ValueError(f"line {line}: key {key.value!r} again, after line {seen[key.value]}")
            if isinstance(key, yaml.ScalarNode):
                seen[key.value] = line
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping; raise InputError where the file does not hold one."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Strict)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected a YAML file") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}; expected a YAML file") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: found {type(values).__name__}; expected keys and values")
    return values
