"""The searches' outcome in Markdown: what each model had, what was chosen, and the best trials."""

from typing import Any

import pandas as pd

from deeprec.config.plan_files import TuningPlan

SHOWN = 5  # best trials of a model
SCORES = ["trial", "valid_rmse", "best_epoch", "seconds", "status", "commit"]


def render_tuning(searches: dict[str, pd.DataFrame], plan: TuningPlan, stats: dict[str, Any]) -> str:
    """Return the page for some runs' trials (`search_settings`), with the plan and the split's counts."""
    summary = pd.DataFrame([_summary(run, trials) for run, trials in searches.items()])
    commits = sorted({commit for trials in searches.values() for commit in trials["commit"]})
    n_train, n_valid = (stats[part]["n_ratings"] for part in ("train", "valid"))
    command = f"snakemake --cores all --config dataset={plan.dataset} search"
    parts = [
        f"# How the models were tuned: {plan.title}",
        f"Written by `{command}`, at commit {', '.join(commits)}.",
        f"Split `{plan.main_split}`: {n_train:,} training ratings, and {n_valid:,} validation ratings that score "
        f"every trial by its best epoch; test is not read. Every run has {plan.trials} trials of one training "
        f"each (seed {plan.seed}), all sampled at random from the spaces in `docs/settings.md`, "
        "which were fixed before the search. "
        "RMSE in stars; what was chosen is the trial with the lowest.",
        _markdown(summary),
    ]
    for run, trials in searches.items():
        best = trials.sort_values("valid_rmse").head(SHOWN).drop(columns=["status", "commit"])
        parts += [f"## {run}", _markdown(best)]
    return "\n\n".join(parts) + "\n"


def _summary(run: str, trials: pd.DataFrame) -> dict[str, Any]:
    if trials["valid_rmse"].isna().all():
        best, settings = None, "every trial diverged"
    else:
        best = trials.iloc[trials["valid_rmse"].argmin()]
        settings = ", ".join(f"{name} {best[name]}" for name in trials.columns if name not in SCORES)
    return {
        "run": run,
        "best": None if best is None else best["valid_rmse"],
        "trial": None if best is None else best["trial"],
        "chosen settings": settings,
        "trials": len(trials),
        "diverged": int((trials["status"] == "diverged").sum()),
        "seconds, all trials": trials["seconds"].sum(),
    }


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.astype(object).itertuples(index=False)]
    return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.5g}"
    return "–" if value is None else str(value)
