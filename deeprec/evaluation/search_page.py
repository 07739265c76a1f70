"""The searches' outcome in Markdown: what each model had, what was chosen, how to use it, and the best trials."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from deeprec.config.plan_files import TuningPlan
from deeprec.config.run_settings import to_yaml
from deeprec.evaluation.search_trials import chosen_settings, label

SHOWN = 5  # best trials of a model


def render_tuning(searches: Mapping[str, pd.DataFrame], plan: TuningPlan, stats: Mapping[str, Any]) -> str:
    """Return the page for some runs' trials (`read_trials`), with the plan and the split's counts."""
    chosen = {run: chosen_settings(trials, plan.spaces[run]) for run, trials in searches.items()}
    summary = pd.DataFrame([_summary(run, trials, chosen[run]) for run, trials in searches.items()])
    commits = sorted({commit for trials in searches.values() for commit in trials["commit"]})
    n_train, n_valid = (stats[part]["n_ratings"] for part in ("train", "valid"))
    command = f"snakemake --cores all --config dataset={plan.dataset} search"
    parts = [
        f"# How the models were tuned: {plan.title}",
        f"Written by `{command}`, at commit {', '.join(commits)}.",
        f"Split `{plan.main_split}`: {n_train:,} training ratings, and {n_valid:,} validation ratings that score "
        f"every trial by its best epoch; test is not read. Every run has {plan.trials} trials of one training "
        f"each (seed {plan.seed}), sampled by Optuna from the spaces in `docs/settings.md`, which were fixed before "
        "the search: the first ten at random, the others by a tree-structured Parzen estimator. From the eleventh on, "
        "a trial that is worse than half of the others by its epoch is cut short (pruned), and counts. Equal trials "
        "are not equal time: the seconds are those of training and validation. RMSE in stars; what was chosen is "
        "the trial with the lowest.",
        _markdown(summary),
        "What was chosen, for the data set's file in `workflow/datasets/`; a run's settings there have the last word:",
        f"```yaml\n{to_yaml({'runs': {run: settings for run, settings in chosen.items() if settings}})}```",
    ]
    for run, trials in searches.items():
        best = trials.sort_values("valid_rmse", kind="stable").head(SHOWN).drop(columns="commit")
        parts += [f"## {run}", _markdown(best)]
    return "\n\n".join(parts) + "\n"


def _summary(run: str, trials: pd.DataFrame, chosen: Mapping[str, Any]) -> dict[str, Any]:
    best = trials.iloc[trials["valid_rmse"].argmin()] if chosen else pd.Series(dtype=object)
    counts = trials["state"].value_counts()
    return {
        "run": run,
        "best": best.get("valid_rmse"),
        "trial": best.get("trial"),
        "chosen settings": ", ".join(f"{name} {label(value)}" for name, value in chosen.items())
        or "every trial diverged",
        "trials": len(trials),
        "pruned": int(counts.get("pruned", 0)),
        "diverged": int(counts.get("diverged", 0)),
        "seconds, the chosen": best.get("seconds"),
        "seconds, all trials": trials["seconds"].sum(),
    }


def _markdown(table: pd.DataFrame) -> str:
    rows: list[Iterable[Hashable]] = [table.columns, ["---"] * table.shape[1]]
    rows += table.astype(object).itertuples(index=False)
    return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.5g}"
    return "–" if value is None else label(value) if isinstance(value, bool | list) else str(value)
