"""The plans that benchmarks measure: config.yaml's, for a data set and with some of that one's keys changed."""

from pathlib import Path
from typing import Any

from deeprec.config.checks import load_plan
from deeprec.config.plan import Plan
from deeprec.config.plan_files import plan_text
from deeprec.config.run_settings import read_yaml
from deeprec.runtime.files import ROOT, write_text


def config_of(dataset: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return config.yaml for a data set (its own where absent)."""
    config = read_yaml(ROOT / "config.yaml")
    config["dataset"] = dataset or config["dataset"]
    if changes:
        own = config.setdefault("datasets", {})
        own[config["dataset"]] = {**own.get(config["dataset"], {}), **changes}
    return config


def plan_of(dataset: str | None = None, **changes: Any) -> Plan:
    """Return what config.yaml plans for a data set."""
    return load_plan(config_of(dataset, **changes))


def write_plan(plan: Plan, folder: Path) -> None:
    """Write what the workflow tells its scripts of the ratings: source.yaml, and splits/SPLIT.yaml of every split."""
    for name in ("source", *(f"splits/{split}" for split in plan.dataset.splits)):
        write_text(folder / f"{name}.yaml", plan_text(plan, name))
