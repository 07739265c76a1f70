"""original.md: the authors' program beside ours, in words and one table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from deeprec.evaluation.tables import records
from deeprec.evaluation.words import number, signed, spread
from deeprec.original.comparison import Pair

BY_DESIGN = """\
What differs by design: they leave out an epoch's last batch (`drop_last` does so here), call the root of an unweighted
mean of batch means the training RMSE, and evaluate user by user. Their files run unmodified; a logger, the export to
ONNX, the saving of each epoch's weights and torch's schedule, which takes its first call otherwise than in 2017, are
stood in for.
"""

HEAD = (
    "| run | theirs: valid | ours: valid | ours − theirs | 95 % interval | within | theirs: test | ours: test "
    "| seconds, theirs | ours |"
)


def sentences(pairs: Sequence[Pair]) -> list[str]:
    """Say in how many ordered pairs of runs both programs agree, and which pairs they order otherwise beyond chance."""
    by_experiment: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_experiment.setdefault(pair.experiment, []).append(pair)
    counts = [f"{name} {_agreeing(these)} of {len(these)}" for name, these in by_experiment.items()]
    said = [
        f"Both programs order {_agreeing(pairs)} of {len(pairs)} pairs of runs alike, by their best validation RMSE "
        f"({', '.join(counts)})."
    ]
    against = [pair for pair in pairs if not pair.agrees]
    beyond = [pair for pair in against if pair.clear]
    if beyond:
        told = "; ".join(
            f"{pair.experiment}: {pair.first} less {pair.second} is {signed(pair.theirs)} by theirs, "
            f"{signed(pair.ours)} by ours"
            for pair in beyond
        )
        said.append(f"Beyond chance on both sides they differ on {len(beyond)}: {told}.")
    elif against:
        said.append("Of the others, none is ordered beyond chance on both sides.")
    return said


def _agreeing(pairs: Sequence[Pair]) -> int:
    return sum(pair.agrees for pair in pairs)


def same_work(steps: Mapping[str, pd.DataFrame]) -> str:
    """Say how far the losses of both programs were apart over the same steps; tables of `same_steps` by run."""
    apart = {run: float(found["apart"].max()) for run, found in steps.items()}
    worst, n_steps = max(apart, key=lambda run: apart[run]), min(int(found["step"].max()) for found in steps.values())
    return (
        f"Both do the same work: from the same weights and over the same batches, without dropout, in double "
        f"precision, all {len(apart)} runs have the same loss at each of {n_steps} steps or more, and the same "
        f"validation error after each epoch, to {apart[worst]:.1e} of its size at most (`{worst}`)."
    )


def original_page(
    title: str, size: str, table: pd.DataFrame, pairs: Sequence[Pair], work: str, source: str, made: str
) -> str:
    """Return the page."""
    within = int(table["within"].sum())
    hours = table.drop_duplicates("run")["theirs_seconds"].sum() / 3600
    parts = [
        f"# The authors' own program on {title}",
        f"{source}, trained and evaluated by itself on our split, with the settings of our runs: {size}. {made}",
        " ".join(sentences(pairs)),
        work,
        f"{within} of {len(table)} runs lie within what seeds make (the 95 % interval of the difference, Welch's, "
        f"holds 0). A seed of all their runs took {hours:.1f} hours of one core.",
        BY_DESIGN.strip(),
        *(f"![{name}: the authors' program beside ours](figures/{name}.png)" for name in table["experiment"].unique()),
        _rows(table),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(table: pd.DataFrame) -> str:
    lines = [HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    for row in records(table):
        cells = [f"{row['experiment']} · {row['label']}", *_scores(row, "valid_rmse"), signed(row["difference"])]
        cells += [f"{signed(row['low'])} to {signed(row['high'])}", "yes" if row["within"] else "no"]
        cells += [*_scores(row, "test_rmse"), number(row["theirs_seconds"], 1), number(row["ours_seconds"], 1)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _scores(row: dict[str, object], score: str) -> list[str]:
    return [
        spread(row[f"{side}_{score}_mean"], row[f"{side}_{score}_sd"])  # type: ignore[arg-type]
        + (f" ({row[f'{side}_diverged']} diverged)" if row[f"{side}_diverged"] else "")
        for side in ("theirs", "ours")
    ]
