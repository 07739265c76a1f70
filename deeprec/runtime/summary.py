"""What a person wants to know at the end: verdicts, the best models, where to look, and what to do next."""

import json
from collections import Counter
from pathlib import Path

from deeprec.runtime.published import agreement, read_rows, score_agreement

VERDICTS, NOT_RUN = ("held", "not held", "unclear"), "not run"


def summary(results: Path, seconds: float) -> list[str]:
    """Return at most 15 lines on a data set's results, from its tables alone; `seconds` is what all of it took."""
    claims = read_rows(results / "tables" / "claims.csv", "claim", "statement", "verdict")
    counts = Counter(row["verdict"] for row in claims)
    told = [f"{counts[name]} {name}" for name in [*VERDICTS, *([NOT_RUN] if counts[NOT_RUN] else [])]]
    lines = [f"{results.name}: of {len(claims)} claims, {', '.join(told)}"]
    if agreed := agreement(claims, results.name):
        lines.append(f"  {agreed.n_same} of {agreed.n} verdicts are those of the published run")
    final = read_rows(results / "tables" / "final.csv", "model")
    if scores := score_agreement(final, results.name):
        lines.append(f"  {scores.n_same} of {scores.n} test RMSE are its, within what seeds and processors change")
    lines += [f"  best on {split}: {best}" for split, best in best_models(final)]
    tracking = json.loads((results / "tracking.json").read_text(encoding="utf-8"))
    lines += [f"  took {seconds / 60:.1f} minutes", f"  the report: {results}/report.html"]
    on_server = str(tracking.get("tracking_uri")).startswith("http")
    if unsent := tracking.get("unsent"):
        lines += [f"  {len(unsent)} not sent to MLflow: make mirror sends what is missing"]
    else:
        lines += [f"  all runs in MLflow, a view a figure: {tracking['charts'] if on_server else 'make ui'}"]
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
