"""report.html: one self-contained page, made from the tables and figures."""

import base64
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from deeprec.config.plan import AUTOENCODERS
from deeprec.config.plan_files import ReportPlan
from deeprec.config.schema import FINAL, Ablation
from deeprec.evaluation.across import elsewhere
from deeprec.evaluation.claims import NOT_RUN, VERDICTS
from deeprec.evaluation.original_results import TheirResults, read_original
from deeprec.evaluation.own_claims import LEADS
from deeprec.evaluation.report_tables import (
    final_outcome,
    final_table,
    original_table,
    outcome,
    ranking_table,
    runs_table,
)
from deeprec.evaluation.tables import rating_range, read_csv, records
from deeprec.evaluation.verdict_picture import grouped, scale_of, verdict_rows
from deeprec.evaluation.words import heading, number
from deeprec.runtime.files import ROOT
from deeprec.runtime.published import agreement, score_agreement

TEMPLATES = ROOT / "workflow" / "report"
TRAINING = "train_run"  # the folder of the trainings' benchmarks


def render_report(context: dict[str, Any]) -> str:
    """Fill the page's template; everything is escaped, and an unknown name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "data_uri": data_uri, "inline_svg": inline_svg}
    return environment.get_template("report.html.j2").render(context)


@dataclass(frozen=True)
class Results:
    """What the page shows: the tables of a data set, its figures, and Snakemake's measurements."""

    results: pd.DataFrame
    trainings: pd.DataFrame
    datasets: pd.DataFrame
    claims: pd.DataFrame
    own_claims: pd.DataFrame
    final: pd.DataFrame
    figures: Path  # folder of SVG files
    original: Path  # folder of the authors' program beside ours; absent where it was not asked for
    across: Path  # the verdicts of several data sets; absent where that was not asked for
    search: Path  # folder of the searches, a folder of SVG files each; absent where there was none
    benchmarks: Path  # folder of Snakemake's benchmark files

    @classmethod
    def read(
        cls, tables: Path, figures: Path, original: Path, across: Path, search: Path, benchmarks: Path
    ) -> "Results":
        """Read the tables of a folder."""
        return cls(
            results=read_csv(tables / "results.csv", "run", "model", "split", "peak_memory_mb"),
            trainings=read_csv(tables / "trainings.csv", "run", "seed", "commit", "machine", "versions"),
            datasets=read_csv(tables / "datasets.csv", "split", "part", "n_ratings", "n_users", "n_items"),
            claims=read_csv(tables / "claims.csv", "experiment", "claim", "verdict"),
            own_claims=read_csv(tables / "own_claims.csv", "experiment", "claim", "verdict"),
            final=read_csv(tables / "final.csv", "model"),
            figures=figures,
            original=original,
            across=across,
            search=search,
            benchmarks=benchmarks,
        )


def report_context(plan: ReportPlan, found: Results) -> dict[str, Any]:
    """Return all that the page's template names, from the plan and the results."""
    claims, datasets = found.claims, found.datasets
    train = datasets[(datasets["part"] == "train") & (datasets["split"] == plan.main_split)].iloc[0]
    scale = scale_of(claims, rating_range(datasets))
    rows, theirs = verdict_rows(claims, scale), read_original(found.original, found.results)
    sections = [_ablation_context(name, ablation, found, theirs) for name, ablation in plan.ablations.items()]
    return {
        "plan": plan,
        # What the paper measured on: a data set may have any name, so its source tells.
        "is_netflix": plan.source == "netflix",
        "size": {"n_train": train["n_ratings"], "n_users": train["n_users"], "n_items": train["n_items"]},
        "counts": _counts(claims),
        "agreement": agreement(records(claims), plan.dataset),
        "scores": score_agreement(records(found.final), plan.dataset),
        "ticks": scale.ticks,
        "verdicts": grouped(rows, _experiments(plan)),
        # The final table closes the paper's experiments; what is not the paper's stands after it.
        "ablations": [section for section in sections if section["experiment"] in AUTOENCODERS],
        "beyond_paper": [section for section in sections if section["experiment"] not in AUTOENCODERS],
        "original": theirs and theirs.sentences,
        "elsewhere": elsewhere(found.across, plan.dataset),
        "final": _final_context(plan, found),
        "searches": _searches_context(found.search),
        "datasets": records(datasets),
        "published": bool(datasets["published_ratings"].notna().any()),
        **{name: ", ".join(found.trainings[name].unique()) for name in ("commit", "machine", "versions")},
        "stages": stage_durations(found.benchmarks, found.results),
    }


def _counts(claims: pd.DataFrame) -> dict[str, int]:
    """Return how many claims have each verdict; `not run` only where there is one."""
    counts = {verdict: int((claims["verdict"] == verdict).sum()) for verdict in VERDICTS}
    return {verdict: n for verdict, n in counts.items() if n or verdict != NOT_RUN}


def _experiments(plan: ReportPlan) -> dict[str, tuple[str, str]]:
    """Return the heading and the place in the page of each of the paper's experiments, by its letter."""
    found = {"F": (heading("Final table", "F"), FINAL)}
    for name, ablation in plan.ablations.items():
        if ablation.experiment:
            found.setdefault(ablation.experiment, (heading(name, ablation.experiment), name))
    # A data set may leave an experiment out; its claims then are not run.
    return {letter: (heading("not run here", letter), "verdicts") for letter in "ABCDE"} | found


def _ablation_context(name: str, ablation: Ablation, found: Results, theirs: TheirResults | None) -> dict[str, Any]:
    by_run, runs = found.results.set_index("run", drop=False), list(ablation.runs.values())
    rows = [dict(row, label=label) for label, row in zip(ablation.runs, records(by_run.loc[runs]), strict=True)]
    return {
        "name": name,
        "heading": heading(name, ablation.experiment),
        "title": ablation.title,
        "slide": ablation.slide,
        "note": ablation.note,
        "experiment": ablation.experiment,
        "wide": len(ablation.panels) > 1,
        "claims": records(found.claims[found.claims["experiment"] == ablation.experiment]),
        "own": records(found.own_claims[found.own_claims["experiment"] == (ablation.experiment or name)]),
        "figure": theirs.figures.get(name, found.figures / f"{name}.svg") if theirs else found.figures / f"{name}.svg",
        "outcome": outcome(rows),
        "table": runs_table(rows),
        "original": original_table(theirs.rows(name)) if theirs and theirs.rows(name) else None,
    }


def _final_context(plan: ReportPlan, found: Results) -> dict[str, Any]:
    rows, splits, main = records(found.final), plan.final.splits, plan.final.main_split
    return {
        "claims": records(found.claims[found.claims["experiment"] == "F"]),
        "own": records(found.own_claims[found.own_claims["experiment"] == LEADS]),
        "figure": found.figures / f"{FINAL}.svg",
        "outcome": final_outcome(rows, splits),
        "table": final_table(rows, splits),
        "ranking": ranking_table(rows, splits),
        "n_test": [(split, rows[0][f"n_test_{split}"]) for split in splits],
        "n_train": rows[0][f"n_train_{main}"],
    }


def _searches_context(folder: Path) -> list[dict[str, Any]]:
    """Return the figures of each run whose search is drawn, in a fixed order."""
    figures: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.svg")):
        figures.setdefault(path.parent.name, []).append(path)
    return [{"run": run, "figures": paths} for run, paths in figures.items()]


def data_uri(path: Path) -> str:
    """Return an SVG image as the address of its own content."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def inline_svg(path: Path, words: str) -> str:
    """Return an SVG image as a part of the page, as wide as it may be; `words` say what it shows."""
    _, start, rest = path.read_text(encoding="utf-8").partition("<svg")
    head, end, body = rest.partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{start} {names} {box[0] if box else ""} role="img" aria-label="{escape(words)}"{end}{body}'


def stage_durations(folder: Path, results: pd.DataFrame) -> list[dict[str, Any]]:
    """Sum Snakemake's benchmark files: seconds and jobs a rule, and the largest memory (MB).

    Trainings tell of their memory themselves: Snakemake sees those alone that wait for it (deeprec/runtime/warm.py).
    """
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        stage = path.relative_to(folder).parts[0].removesuffix(".tsv")
        measured = read_csv(path, "s", "max_rss", sep="\t", na_values="-").iloc[0]
        rows.append({"stage": stage, "seconds": measured["s"], "memory": measured["max_rss"]})
    if not rows:
        return []
    stages = pd.DataFrame(rows).groupby("stage", sort=False).agg(
        jobs=("seconds", "size"), seconds=("seconds", "sum"), memory=("memory", "max")
    )  # fmt: skip
    if TRAINING in stages.index:
        stages.loc[TRAINING, "memory"] = results["peak_memory_mb"].max()
    return records(stages.sort_values("seconds", ascending=False).reset_index())
