"""What a person wants to know at the end: verdicts, the best models, where to look, and what to do next."""

import csv
import json
from collections import Counter
from pathlib import Path

VERDICTS = ("held", "not held", "unclear")


def summary(results: Path, published: Path, seconds: float) -> list[str]:
    """Return at most 15 lines on a data set's results, from its tables alone (no pandas: the driver may lack it).

    `published` holds the verdicts of the run that the project published, if there is one; `seconds` is the time that
    all of it took.
    """
    claims = _rows(results / "tables" / "claims.csv")
    counts = Counter(row["verdict"] for row in claims)
    lines = [f"{results.name}: of {len(claims)} claims, " + ", ".join(f"{counts[name]} {name}" for name in VERDICTS)]
    if published.is_file():
        there = {row["claim"]: row["verdict"] for row in _rows(published)}
        same = sum(there.get(row["claim"]) == row["verdict"] for row in claims)
        lines.append(f"  {same} of {len(there)} verdicts are those of the published run")
    lines += [f"  best on {split}: {best}" for split, best in best_models(_rows(results / "tables" / "final.csv"))]
    tracking = json.loads((results / "tracking.json").read_text(encoding="utf-8"))
    lines += [f"  took {seconds / 60:.1f} minutes", f"  the report: {results}/report.html"]
    lines += ["  all runs in MLflow, a view a figure: make ui"]
    if tracking["best_run"]:
        lines += ["  try the best model by validation: make demo, make serve, or"]
        lines += [f"    python scripts/recommend.py {tracking['best_run']} --all --out best.csv"]
    return lines


def best_models(final: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Return each split of final.csv with its best model, in words; at most four splits."""
    splits = [name.removeprefix("rmse_") for name in (final[0] if final else {}) if name.startswith("rmse_")]
    found = []
    for split in splits[:4]:
        scored = [row for row in final if row[f"rmse_{split}"]]
        if scored:
            best = min(scored, key=lambda row: float(row[f"rmse_{split}"]))
            sure = "" if best[f"best_{split}"] == "True" else " (no clear lead)"
            found.append((split, f"{best['model']}, test RMSE {float(best[f'rmse_{split}']):.4f}{sure}"))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
