"""report.html: one self-contained page, made from the tables and figures."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from deeprec.config.plan_files import ReportPlan
from deeprec.config.schema import FINAL, Ablation
from deeprec.evaluation.claims import VERDICTS
from deeprec.evaluation.own_claims import LEADS
from deeprec.evaluation.tables import read_csv, records
from deeprec.runtime.files import ROOT

TEMPLATES = ROOT / "workflow" / "report"


def render_report(context: dict[str, Any]) -> str:
    """Fill the page's template; everything is escaped, and an unknown name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"spread": spread, "number": number, "signed": signed, "data_uri": data_uri}
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
    search: Path  # folder of the searches, a folder of SVG files each; absent where there was none
    benchmarks: Path  # folder of Snakemake's benchmark files

    @classmethod
    def read(cls, tables: Path, figures: Path, search: Path, benchmarks: Path) -> "Results":
        """Read the tables of a folder."""
        return cls(
            results=read_csv(tables / "results.csv", "run", "model", "split"),
            trainings=read_csv(tables / "trainings.csv", "run", "seed", "commit", "machine", "versions"),
            datasets=read_csv(tables / "datasets.csv", "split", "part", "n_ratings", "n_users", "n_items"),
            claims=read_csv(tables / "claims.csv", "experiment", "claim", "verdict"),
            own_claims=read_csv(tables / "own_claims.csv", "experiment", "claim", "verdict"),
            final=read_csv(tables / "final.csv", "model"),
            figures=figures,
            search=search,
            benchmarks=benchmarks,
        )


def report_context(plan: ReportPlan, found: Results) -> dict[str, Any]:
    """Return all that the page's template names, from the plan and the results."""
    claims, datasets = found.claims, found.datasets
    train = datasets[(datasets["part"] == "train") & (datasets["split"] == plan.main_split)].iloc[0]
    return {
        "plan": plan,
        # What the paper measured on: a data set may have any name, so its source tells.
        "is_netflix": plan.source == "netflix",
        "size": {"n_train": train["n_ratings"], "n_users": train["n_users"], "n_items": train["n_items"]},
        "ablations": [_ablation_context(name, ablation, found) for name, ablation in plan.ablations.items()],
        "final": {
            "rows": records(found.final),
            "claims": records(claims[claims["experiment"] == "F"]),
            "own": records(found.own_claims[found.own_claims["experiment"] == LEADS]),
            "figure": found.figures / f"{FINAL}.svg",
        },
        "searches": _searches_context(found.search),
        "claims": records(claims),
        "counts": {verdict: int((claims["verdict"] == verdict).sum()) for verdict in VERDICTS},
        "datasets": records(datasets),
        "published": bool(datasets["published_ratings"].notna().any()),
        **{name: ", ".join(found.trainings[name].unique()) for name in ("commit", "machine", "versions")},
        "stages": stage_durations(found.benchmarks),
    }


def _ablation_context(name: str, ablation: Ablation, found: Results) -> dict[str, Any]:
    rows = found.results.set_index("run").loc[list(dict.fromkeys(ablation.runs.values()))]
    return {
        "name": name,
        "title": ablation.title,
        "slide": ablation.slide,
        "note": ablation.note,
        "experiment": ablation.experiment,
        "n_panels": len(ablation.panels),
        "claims": records(found.claims[found.claims["experiment"] == ablation.experiment]),
        "own": records(found.own_claims[found.own_claims["experiment"] == (ablation.experiment or name)]),
        "figure": found.figures / f"{name}.svg",
        "rows": records(rows.reset_index()),
    }


def _searches_context(folder: Path) -> list[dict[str, Any]]:
    """Return the figures of each run whose search is drawn, in a fixed order."""
    figures: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.svg")):
        figures.setdefault(path.parent.name, []).append(path)
    return [{"run": run, "figures": paths} for run, paths in figures.items()]


def spread(mean: float | None, deviation: float | None, digits: int = 4) -> str:
    """Return "mean ± deviation", the mean alone for one seed, a dash for none."""
    if mean is None or pd.isna(mean):
        return "–"
    return f"{mean:.{digits}f}" + ("" if deviation is None or pd.isna(deviation) else f" ± {deviation:.{digits}f}")


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands separated, a dash for none."""
    return "–" if value is None or pd.isna(value) else f"{value:,.{digits}f}"


def signed(value: float | None) -> str:
    """Return a difference in stars with its sign, a dash for none."""
    return "–" if value is None or pd.isna(value) else f"{value:+.4f}"


def data_uri(path: Path) -> str:
    """Return an SVG image as the address of its own content."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def stage_durations(folder: Path) -> list[dict[str, Any]]:
    """Sum Snakemake's benchmark files: seconds and jobs a rule, and the largest memory (MB)."""
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
    return records(stages.sort_values("seconds", ascending=False).reset_index())
