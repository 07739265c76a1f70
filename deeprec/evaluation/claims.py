"""The paper's claims, and the rule by which runs decide about each: held, not held, unclear, or not run.

A claim names the quantity that the paper judged, computed seed by seed from runs that share the seed (so what
a seed does to both sides cancels), and the sign or size that the claim asserts. The 95 % interval of its
mean over seeds decides, not the mean's sign.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

# "Changes little" means less than this share of the ratings' range: of Netflix's 1 to 5 stars 0.005, below the 0.0067
# that slide 21 calls a gain.
NEGLIGIBLE = 0.00125

NOT_RUN = "not run"
VERDICTS = ("held", "not held", "unclear", NOT_RUN)

Scores = Callable[[str, str], np.ndarray]  # ("ablation: label", column of trainings.csv) -> one value a seed


class MissingRun(Exception):
    """A claim asks for a run that is not among the results."""


@dataclass(frozen=True)
class Claim:
    """What the paper says, and what of ours speaks for or against it."""

    name: str
    experiment: str  # A to F, as in the paper's order
    slide: int | None  # None for a claim of ours
    statement: str  # {little} is what counts as little
    compared: str  # the effect in words: what is subtracted from what
    effect: Callable[[Scores], np.ndarray]  # one value a seed, in stars; NaN where a run diverged
    asserts: str  # "below 0", "above 0", "about 0" or "diverges"
    paper: float | None = None  # the paper's effect on Netflix, in stars

    def said(self, little: str) -> str:
        """Return the statement, where `little` says what counts as little."""
        return self.statement.replace("{little}", little)


def _difference(run: str, other: str, column: str) -> Callable[[Scores], np.ndarray]:
    return lambda scores: scores(run, column) - scores(other, column)


def _worst_less_best(runs: list[str], others: list[str], column: str) -> Callable[[Scores], np.ndarray]:
    """The worst of `runs` less the best of `others`: below 0 only if each of them beats each of the others."""
    return lambda scores: np.max([scores(r, column) for r in runs], 0) - np.min([scores(r, column) for r in others], 0)


def _gain(run: str) -> Callable[[Scores], np.ndarray]:
    return lambda scores: scores(run, "last_valid_rmse") - scores(run, "valid_rmse")


def _largest_step(runs: list[str], column: str) -> Callable[[Scores], np.ndarray]:
    """The largest change from one run to the next: below 0 only if every step lowers it."""
    return lambda scores: np.diff([scores(run, column) for run in runs], axis=0).max(0)


def _beats(name: str, rival: str, where: str, paper: float) -> Claim:
    """Build F's claim that DeepRec beats a rival on the main split, or on another: ` on SPLIT`."""
    return Claim(
        f"deeprec_beats_{name}", "F", 9,
        f"DeepRec predicts better than {rival}{where}",
        f"test RMSE{where or ' on the main split'}: DeepRec less {rival}",
        _difference(f"final: DeepRec{where}", f"final: {rival}{where}", "test_rmse"),
        "below 0",
        paper,
    )  # fmt: skip


DEPTHS = [f"depth: {layers}" for layers in (2, 4, 6, 8, 10, 12)]

CLAIMS = [
    Claim(
        "activation_best", "A", 11,
        "ELU, SELU and LReLU train to a much lower RMSE than the other activations",
        "last epoch's training RMSE: the worst of ELU, SELU, LReLU less the best of sigmoid, ReLU, ReLU6, tanh, swish",
        _worst_less_best(
            ["activations: ELU", "activations: SELU", "activations: LReLU"],
            [f"activations: {name}" for name in ("sigmoid", "ReLU", "ReLU6", "tanh", "swish")],
            "last_train_rmse",
        ),
        "below 0",
    ),
    Claim(
        "activation_negative_part", "A", 11,
        "A non-zero negative part matters",
        "last epoch's training RMSE: LReLU less ReLU, which differ in the negative part only",
        _difference("activations: LReLU", "activations: ReLU", "last_train_rmse"),
        "below 0",
    ),
    Claim(
        "activation_unbounded", "A", 11,
        "An unbounded positive part matters",
        "last epoch's training RMSE: ReLU less ReLU6, which differ in the bound only",
        _difference("activations: ReLU", "activations: ReLU6", "last_train_rmse"),
        "below 0",
    ),
    Claim(
        "width_overfits", "B", 13,
        "A wider layer over-fits: evaluation RMSE grows with the width",
        "last epoch's validation RMSE: width 1024 less width 128",
        _difference("width: 1024", "width: 128", "last_valid_rmse"),
        "above 0",
    ),
    Claim(
        "width_fits_training", "B", 13,
        "A wider layer fits its training data better",
        "last epoch's training RMSE: width 1024 less width 128",
        _difference("width: 1024", "width: 128", "last_train_rmse"),
        "below 0",
    ),
    Claim(
        "constrained_lessens", "B", 13,
        "Constraining the decoder lessens the over-fitting of a wide layer",
        "last epoch's validation RMSE at width 1024: constrained less free decoder",
        _difference("width: 1024, constrained", "width: 1024", "last_valid_rmse"),
        "below 0",
    ),
    Claim(
        "constrained_still_overfits", "B", 13,
        "Constraining the decoder does not remove the over-fitting",
        "last epoch's validation RMSE, constrained: width 1024 less width 128",
        _difference("width: 1024, constrained", "width: 128, constrained", "last_valid_rmse"),
        "above 0",
    ),
    Claim(
        "depth_first", "C", 15,
        "A second layer on each side lowers evaluation RMSE",
        "best validation RMSE: 4 layers less 2 layers",
        _difference("depth: 4", "depth: 2", "valid_rmse"),
        "below 0",
        -0.1845,
    ),
    Claim(
        "depth_more", "C", 15,
        "Going deeper goes on helping",
        "best validation RMSE: 12 layers less 6 layers",
        _difference("depth: 12", "depth: 6", "valid_rmse"),
        "below 0",
        -0.0050,
    ),
    Claim(
        "depth_every_step", "C", 15,
        "Every step from 2 to 12 layers lowers evaluation RMSE",
        "best validation RMSE: the largest change from one depth to the next",
        _largest_step(DEPTHS, "valid_rmse"),
        "below 0",
        -0.0012,
    ),
    Claim(
        "dropout_best", "D", 17,
        "A drop probability of 0.8 is best",
        "best validation RMSE: dropout 0.8 less the best of 0, 0.5 and 0.65",
        _worst_less_best(["dropout: p = 0.8"], [f"dropout: p = {p}" for p in (0, 0.5, 0.65)], "valid_rmse"),
        "below 0",
    ),
    Claim(
        "no_dropout_overfits", "D", 17,
        "Without dropout the model over-fits: evaluation RMSE rises after the first epochs",
        "validation RMSE without dropout: last epoch less best epoch",
        _gain("dropout: p = 0"),
        "above 0",
    ),
    Claim(
        "refeed_alone", "E", 21,
        "Re-feeding alone changes little (less than {little})",
        "best validation RMSE at the low learning rate: with re-feeding less without",
        _difference("refeeding: re-feeding", "refeeding: baseline", "valid_rmse"),
        "about 0",
    ),
    Claim(
        "high_lr_diverges", "E", 21,
        "The five times higher learning rate alone diverges",
        "share of seeds that diverge at the high learning rate, without re-feeding",
        lambda scores: scores("refeeding: high lr", "diverged"),
        "diverges",
    ),
    Claim(
        "refeed_with_high_lr", "E", 21,
        "Re-feeding and the five times higher learning rate together improve evaluation RMSE",
        "best validation RMSE: re-feeding at the high learning rate less the baseline",
        _difference("refeeding: re-feeding, high lr", "refeeding: baseline", "valid_rmse"),
        "below 0",
        -0.0067,
    ),
    _beats("i_autorec", "I-AutoRec", "", -0.0265),
    _beats("u_autorec", "U-AutoRec", "", -0.0548),
    _beats("rrn", "RRN", "", -0.0125),
    _beats("i_autorec_3m", "I-AutoRec", " on 3m", -0.0405),
    _beats("u_autorec_3m", "U-AutoRec", " on 3m", -0.0463),
    _beats("rrn_3m", "RRN", " on 3m", -0.0054),
]  # fmt: skip


def judge_claims(trainings: pd.DataFrame, groups: dict[str, dict[str, str]], rating_range: float) -> pd.DataFrame:
    """Return claims.csv: a row a claim.

    `groups` has the runs by label of each ablation and the final table; `rating_range` is the width of the ratings'
    scale, stars.
    """
    runs = {f"{name}: {label}": run for name, labels in groups.items() for label, run in labels.items()}
    return pd.DataFrame([judge(claim, trainings, runs, NEGLIGIBLE * rating_range) for claim in CLAIMS])


def judge(claim: Claim, trainings: pd.DataFrame, runs: dict[str, str], little: float) -> dict[str, Any]:
    """Return a row of claims.csv: effect, interval (stars), seeds, verdict, and a sentence that says it all.

    `runs` says which run stands behind an ablation's label, "ablation: label"; `little` is an effect that counts as
    none, stars.
    """
    row = {
        "claim": claim.name, "experiment": claim.experiment, "slide": claim.slide,
        "statement": claim.said(f"{little:g} stars"), "compared": claim.compared,
        "asserts": claim.asserts, "paper_effect": claim.paper,
    }  # fmt: skip
    try:
        values = claim.effect(lambda label, column: _per_seed(trainings, runs.get(label), label, column))
    except MissingRun as missing:
        return {**row, **_outcome(NOT_RUN, f"Not run: there is no run for {missing}.")}
    if claim.asserts == "diverges":
        return {**row, **_judge_divergence(values)}
    return {**row, **_judge_effect(values, claim.asserts, little)}


def _per_seed(trainings: pd.DataFrame, run: str | None, label: str, column: str) -> np.ndarray:
    rows = trainings[trainings["run"] == run].sort_values("seed")
    if rows.empty:
        raise MissingRun(f"'{label}'")
    diverged = (rows["status"] == "diverged").to_numpy()
    if column == "diverged":
        return diverged.astype(float)
    return np.where(diverged, np.nan, rows[column].astype(float))


def _outcome(
    verdict: str, sentence: str, n: int = 0, effect: float = np.nan, low: float = np.nan, high: float = np.nan
) -> dict[str, Any]:
    return {
        "effect": effect,
        "low": low,
        "high": high,
        "n_seeds": n,
        "verdict": verdict,
        "sentence": sentence,
    }


def _judge_divergence(diverged: np.ndarray) -> dict[str, Any]:
    share, n = diverged.mean(), len(diverged)
    verdict = {1.0: "held", 0.0: "not held"}.get(share, "unclear")
    return _outcome(verdict, f"{verdict.capitalize()}: {int(diverged.sum())} of {n} seeds diverged.", n, share)


def _judge_effect(values: np.ndarray, asserts: str, little: float) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    lost = len(values) - len(finite)
    because = f" ({lost} of {len(values)} seeds diverged)" if lost else ""
    if len(finite) == 0:
        return _outcome("unclear", "Unclear: every seed diverged.")
    effect = float(finite.mean())
    if len(finite) == 1:
        sentence = f"Unclear: {effect:+.4f} stars, but one seed gives no interval{because}."
        return _outcome("unclear", sentence, 1, effect)
    low, high = interval(finite)
    verdict = decide(low, high, asserts, little)
    words = f"{effect:+.4f} stars, 95 % interval {low:+.4f} to {high:+.4f} over {len(finite)} seeds{because}"
    return _outcome(verdict, f"{verdict.capitalize()}: {words}.", len(finite), effect, low, high)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of paired differences, (n_seeds,), by Student's t."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def decide(low: float, high: float, asserts: str, little: float) -> str:
    """Return the verdict on an effect that lies between `low` and `high`, where less than `little` is none (stars)."""
    held, refuted = {
        "below 0": (high < 0, low > 0),
        "above 0": (low > 0, high < 0),
        "about 0": (low > -little and high < little, low > little or high < -little),
    }[asserts]
    return "held" if held else "not held" if refuted else "unclear"
