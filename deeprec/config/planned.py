"""Whether a data set's results are those that the config plans."""

from pathlib import Path

from deeprec.config.plan import Plan
from deeprec.config.run_settings import read_run
from deeprec.runtime.files import InputError
from deeprec.settings.base import shown


def check_planned(plan: Plan, results: Path) -> None:
    """Raise InputError where a training in `results` is missing, or has other settings than the plan's."""
    again = f"make them by snakemake --cores all --config dataset={plan.name}"
    for name, run in plan.runs.items():
        for seed in plan.config.seeds:
            path = results / "runs" / name / f"seed_{seed}" / "settings.yaml"
            if not path.exists():
                raise InputError(f"{results}: found no training of run {name!r}, seed {seed}; {again}")
            found, expected = read_run(path).as_dict(), run.with_seed(seed).as_dict()
            for key in {**expected, **found}:
                if found.get(key) != expected.get(key):
                    raise InputError(
                        f"{path}: {key}: found {shown(found.get(key))}; expected {shown(expected.get(key))}, as the "
                        f"config plans: these are results of another config; {again}"
                    )
