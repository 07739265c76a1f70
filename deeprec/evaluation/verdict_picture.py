"""The verdicts as one picture: where each claim's effect, its interval and the paper's effect lie about zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from deeprec.evaluation.tables import records

LINEAR = 0.005  # of the ratings' range: effects below this are drawn to scale, larger ones by their logarithm


@dataclass(frozen=True)
class Scale:
    """A symmetric scale about 0, in percent of a strip's width, as fine for small effects as for large ones."""

    linear: float  # stars
    limit: float  # stars, at the strip's end

    def place(self, stars: float) -> float:
        """Return where an effect lies, from 0 to 100."""
        return float(50 + 48 * np.arcsinh(stars / self.linear) / np.arcsinh(self.limit / self.linear))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places and words of the powers of ten on both sides that the strip shows, and 0."""
        powers = 10.0 ** np.arange(np.ceil(np.log10(self.linear)), np.floor(np.log10(self.limit)) + 1)
        values = [*(-powers[::-1]), 0.0, *powers]
        return [(self.place(value), f"{value:+g}".replace("-", "−") if value else "0") for value in values]


def scale_of(claims: pd.DataFrame, rating_range: float) -> Scale:
    """Return the scale that shows all effects, intervals and the paper's effects; `rating_range` in stars."""
    in_stars = claims[claims["asserts"] != "diverges"]
    seen = in_stars[["effect", "low", "high", "paper_effect"]].abs().to_numpy(float)
    linear = LINEAR * rating_range
    return Scale(linear, max(float(np.nanmax(seen, initial=0.0)), 2 * linear))


def verdict_rows(claims: pd.DataFrame, scale: Scale) -> list[dict[str, Any]]:
    """Return claims.csv's rows with their places on the scale, None for what is not known or not in stars."""
    rows = []
    for claim in records(claims):
        shown = claim["asserts"] != "diverges"
        places = {
            f"{name}_at": scale.place(claim[name]) if shown and np.isfinite(claim[name]) else None
            for name in ("effect", "low", "high", "paper_effect")
        }
        rows.append({**claim, **places, "told": _told(claim)})
    return rows


def grouped(rows: list[dict[str, Any]], experiments: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the rows by experiment, in their order; `experiments` has the heading and the anchor by letter."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["experiment"], []).append(row)
    return [
        {"heading": experiments[letter][0], "anchor": experiments[letter][1], "rows": found}
        for letter, found in groups.items()
    ]


def _told(claim: Mapping[str, Any]) -> str:
    """Return an effect in words: stars with the interval, or the share of seeds that diverged."""
    if not np.isfinite(claim["effect"]):
        return "–"
    if claim["asserts"] == "diverges":
        return f"{claim['effect']:.0%} of seeds"
    return f"{claim['effect']:+.4f}".replace("-", "−")
