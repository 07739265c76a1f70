"""Numbers as people read them."""

import pandas as pd


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


def heading(name: str, letter: str | None) -> str:
    """Return what an experiment is called: "C · Depth", or "Recipe" where it is none of the paper's."""
    words = name[:1].upper() + name[1:]
    return f"{letter} · {words}" if letter else words
