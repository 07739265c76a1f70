"""What the report shows of the authors' own program, where it was trained beside the runs that the report is of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deeprec.evaluation.tables import read_csv, records

SAME = 1e-5  # relative: tables keep 6 digits


@dataclass(frozen=True)
class TheirResults:
    """The table of both programs, the figures with both, by ablation, and what is to be said of them."""

    table: pd.DataFrame
    figures: dict[str, Path]
    sentences: list[str]

    def rows(self, ablation: str) -> list[dict[str, Any]]:
        """Return the rows of an ablation's runs, none where the authors' program trained none."""
        return records(self.table[self.table["experiment"] == ablation])


def read_original(folder: Path, results: pd.DataFrame) -> TheirResults | None:
    """Read what `compare_original` made; None where there is nothing, or where it is of other trainings of ours."""
    path = folder / "comparison.csv"
    if not path.is_file():
        return None
    table = read_csv(path, "experiment", "label", "run", "theirs_valid_rmse_mean", "ours_valid_rmse_mean", "difference")
    now = results.set_index("run")["valid_rmse_mean"].reindex(table["run"]).to_numpy(float)
    if not np.allclose(table["ours_valid_rmse_mean"].to_numpy(float), now, rtol=SAME, equal_nan=True):
        return None
    pairs = read_csv(folder / "pairs.csv", "experiment", "agrees")
    said = [
        f"The authors' own program, trained on the same split, orders {int(pairs['agrees'].sum())} of {len(pairs)} "
        "pairs of runs as ours does.",
        f"Of {len(table)} runs, {int(table['within'].sum())} differ by no more than seeds make.",
    ]
    return TheirResults(table, {path.stem: path for path in (folder / "figures").glob("*.svg")}, said)
