"""report.html: one self-contained page, made from the tables and figures."""

import base64
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

TEMPLATES = Path(__file__).parent.parent / "workflow" / "report"


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
        measured = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        rows.append({"stage": stage, "seconds": measured["s"], "memory": measured["max_rss"]})
    if not rows:
        return []
    stages = pd.DataFrame(rows).groupby("stage", sort=False).agg(
        jobs=("seconds", "size"), seconds=("seconds", "sum"), memory=("memory", "max")
    )  # fmt: skip
    return stages.sort_values("seconds", ascending=False).reset_index().to_dict("records")
