"""settings.yaml: everything that defines one training."""

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from deeprec.files import InputError, write_text

T = TypeVar("T")
SHARED = ["autoencoder"]  # models that several processes can train together


def write_settings(settings: dict[str, Any], path: Path) -> None:
    """Write a run's settings, with its seed, as YAML."""
    write_text(path, yaml.safe_dump(settings, sort_keys=False, default_flow_style=None))


def read_settings(path: Path) -> dict[str, Any]:
    """Read a settings file; raise InputError where it does not define a run."""
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    missing = {"dataset", "run", "seed", "split", "model"} - set(settings if isinstance(settings, dict) else {})
    if missing:
        raise InputError(f"{path}: missing {', '.join(sorted(missing))}; expected the settings of one run")
    return settings


def settings_hash(settings: dict[str, Any]) -> str:
    """Return 12 hex digits that change whenever a setting does."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def model_settings(kind: type[T], settings: dict[str, Any]) -> T:
    """Pick a model's settings dataclass from a run's settings; raise InputError for one that is missing."""
    names = [field.name for field in fields(kind)]
    missing = [name for name in names if name not in settings]
    if missing:
        raise InputError(f"run {settings['run']!r}: missing settings {', '.join(missing)}")
    return kind(**{name: settings[name] for name in names})
