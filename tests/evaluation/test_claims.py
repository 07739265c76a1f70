"""Verdicts on made-up results, where the right one is known."""

import numpy as np
import pandas as pd
import pytest

from deeprec.config.checks import load_plan
from deeprec.evaluation.claims import CLAIMS, NEGLIGIBLE, Claim, decide, interval, judge, judge_claims

X = {"x: a": "a", "x: b": "b"}
LITTLE = NEGLIGIBLE * 4  # of Netflix's and most of MovieLens's scales, 1 to 5
BELOW = Claim("deeper", "C", 15, "s", "c", lambda s: s("x: a", "valid_rmse") - s("x: b", "valid_rmse"), "below 0", -0.1)


def trainings(**runs: list[float | None]) -> pd.DataFrame:
    """A table with a row a run and seed; None is a diverged training."""
    return pd.DataFrame(
        [
            {
                "run": run,
                "seed": seed,
                "status": "diverged" if value is None else "finished",
                "valid_rmse": value,
            }
            for run, values in runs.items()
            for seed, value in enumerate(values)
        ]
    )


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ([1.00, 1.01, 1.02], [1.10, 1.112, 1.121], "held"),
        ([1.10, 1.112, 1.121], [1.00, 1.01, 1.02], "not held"),
        ([1.00, 1.10, 1.02], [1.05, 1.04, 1.06], "unclear"),
    ],
)
def test_the_interval_decides(a, b, verdict):
    row = judge(BELOW, trainings(a=a, b=b), X, LITTLE)
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(np.mean(a) - np.mean(b))
    assert row["low"] < row["effect"] < row["high"] and row["n_seeds"] == 3
    assert f"{row['effect']:+.4f} stars" in row["sentence"]


def test_a_negative_mean_alone_does_not_hold():
    row = judge(BELOW, trainings(a=[0.9, 1.1, 1.0], b=[1.0, 1.0, 1.03]), X, LITTLE)
    assert row["effect"] < 0 and row["verdict"] == "unclear"


def test_differences_are_paired_by_seed():
    """Seeds that move both sides far more than the effect do not hide it."""
    row = judge(BELOW, trainings(a=[1.0, 2.0, 3.0], b=[1.01, 2.012, 3.011]), X, LITTLE)
    assert row["verdict"] == "held"
    shuffled = trainings(a=[1.0, 2.0, 3.0], b=[1.01, 2.012, 3.011]).sample(frac=1, random_state=0)
    assert judge(BELOW, shuffled, X, LITTLE)["effect"] == pytest.approx(row["effect"])


def test_interval_is_students():
    low, high = interval(np.array([1.0, 2.0, 3.0]))
    assert (low, high) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)  # t(0.975, 2) = 4.303, / sqrt(3)


def test_missing_run_one_seed_and_divergence_are_unclear_and_say_why():
    assert "no run for 'x: b'" in judge(BELOW, trainings(a=[1.0, 1.1]), X, LITTLE)["sentence"]
    one = judge(BELOW, trainings(a=[1.0], b=[2.0]), X, LITTLE)
    assert one["verdict"] == "unclear" and "one seed" in one["sentence"]
    lost = judge(BELOW, trainings(a=[1.0, 1.1], b=[None, None]), X, LITTLE)
    assert lost["verdict"] == "unclear" and "diverged" in lost["sentence"]
    some = judge(BELOW, trainings(a=[1.0, 1.1, 1.2], b=[None, 1.21, 1.3]), X, LITTLE)
    assert some["n_seeds"] == 2 and "1 of 3 seeds diverged" in some["sentence"]


@pytest.mark.parametrize(
    ("low", "high", "asserts", "verdict"),
    [
        (-LITTLE / 2, LITTLE / 2, "about 0", "held"),
        (LITTLE * 1.1, LITTLE * 2, "about 0", "not held"),
        (-LITTLE * 2, -LITTLE * 1.1, "about 0", "not held"),
        (LITTLE / 2, LITTLE * 2, "about 0", "unclear"),
        (0.1, 0.2, "above 0", "held"),
        (-0.2, -0.1, "above 0", "not held"),
        (-0.1, 0.2, "above 0", "unclear"),
        # An interval that reaches a bound, as that of two runs with the same numbers reaches 0, does not lie beyond it.
        (0.0, 0.0, "above 0", "unclear"),
        (0.0, 0.0, "below 0", "unclear"),
        (-LITTLE, LITTLE, "about 0", "unclear"),
        (LITTLE, LITTLE, "about 0", "unclear"),
        (-LITTLE, -LITTLE, "about 0", "unclear"),
    ],
)
def test_decide(low, high, asserts, verdict):
    assert decide(low, high, asserts, LITTLE) == verdict


def test_what_changes_little_is_less_than_what_slide_21_calls_a_gain():
    assert decide(-0.0045, 0.0045, "about 0", LITTLE) == "held"
    assert decide(-0.0067, -0.0066, "about 0", LITTLE) == "not held"


@pytest.mark.parametrize(
    ("values", "verdict"), [([None, None], "held"), ([1.0, 1.0], "not held"), ([None, 1.0], "unclear")]
)
def test_divergence_is_judged_by_status(values, verdict):
    claim = next(claim for claim in CLAIMS if claim.asserts == "diverges")
    assert judge(claim, trainings(h=values), {"refeeding: high lr": "h"}, LITTLE)["verdict"] == verdict


def test_worst_against_best():
    claim = next(claim for claim in CLAIMS if claim.name == "dropout_best")
    runs = {"0": [1.2, 1.21], "0.5": [1.1, 1.11], "0.65": [1.05, 1.06], "0.8": [1.04, 1.051]}
    labels = {f"dropout: p = {p}": p for p in runs}
    assert judge(claim, trainings(**runs), labels, LITTLE)["effect"] == pytest.approx(-0.0095)
    runs["0.5"] = [1.0, 1.0]
    assert judge(claim, trainings(**runs), labels, LITTLE)["effect"] > 0


def test_over_fitting_is_the_last_epoch_less_the_best():
    claim = next(claim for claim in CLAIMS if claim.name == "no_dropout_overfits")
    table = trainings(p=[1.0, 1.1, 1.2]).assign(last_valid_rmse=[1.1, 1.21, 1.32])
    row = judge(claim, table, {"dropout: p = 0": "p"}, LITTLE)
    assert row["effect"] == pytest.approx(0.11) and row["verdict"] == "held"


def test_of_several_steps_the_worst_counts():
    claim = next(claim for claim in CLAIMS if claim.name == "depth_every_step")
    scores = {"2": 1.0, "4": 0.8, "6": 0.7, "8": 0.72, "10": 0.69, "12": 0.6}
    table = trainings(**{depth: [score, score + 0.1] for depth, score in scores.items()})
    assert judge(claim, table, {f"depth: {d}": d for d in scores}, LITTLE)["effect"] == pytest.approx(0.02)


@pytest.mark.parametrize("rival", ["I-AutoRec", "U-AutoRec", "RRN"])
@pytest.mark.parametrize("where", ["", " on 3m"])
@pytest.mark.parametrize(
    ("rivals", "verdict"),
    [([1.1, 1.11, 1.12], "held"), ([0.9, 0.91, 0.92], "not held"), ([0.9, 1.0, 1.2], "unclear")],
)
def test_deeprec_is_judged_against_each_rival_on_test(rival, where, rivals, verdict):
    name = f"deeprec_beats_{rival.lower().replace('-', '_')}{'_3m' if where else ''}"
    claim = next(claim for claim in CLAIMS if claim.name == name)
    table = trainings(d=[1.0, 1.012, 1.021], r=rivals).rename(columns={"valid_rmse": "test_rmse"})
    labels = {f"final: DeepRec{where}": "d", f"final: {rival}{where}": "r"}
    row = judge(claim, table, labels, LITTLE)
    assert row["verdict"] == verdict and row["experiment"] == "F"
    # A data set without the split, or a plan without the rival, leaves the claim open.
    for absent in labels:
        assert judge(claim, table, {k: v for k, v in labels.items() if k != absent}, LITTLE)["verdict"] == "not run"


def test_papers_effects_are_its_tables_differences(config):
    paper = config["final"]["paper"]
    for rival, name in (("I-AutoRec", "i_autorec"), ("U-AutoRec", "u_autorec"), ("RRN", "rrn")):
        for split, end in (("full", ""), ("3m", "_3m")):
            claim = next(claim for claim in CLAIMS if claim.name == f"deeprec_beats_{name}{end}")
            assert claim.paper == pytest.approx(paper["DeepRec"][split] - paper[rival][split])


def test_claims_are_about_runs_and_columns_that_exist(config):
    plan = load_plan(config)
    known = {"valid_rmse", "test_rmse", "last_train_rmse", "last_valid_rmse", "diverged"}

    labels = {f"{name}: {label}" for name, runs in plan.groups.items() for label in runs}

    def scores(label, column):
        assert label in labels, label
        assert column in known
        return np.zeros(3)

    for claim in CLAIMS:
        assert claim.effect(scores).shape == (3,)
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)


def test_little_is_a_share_of_the_ratings_range():
    """0.005 stars of Netflix's 1 to 5, to the last bit."""
    assert LITTLE == 0.005
    labels = {"refeeding": {"baseline": "a", "re-feeding": "b"}}
    table = trainings(a=[1.0, 1.0, 1.0], b=[1.0078, 1.0079, 1.0080])
    said = {}
    for scale in (4.0, 9.0):
        row = judge_claims(table, labels, scale).set_index("claim").loc["refeed_alone"]
        said[scale] = row["statement"], row["verdict"]
    assert said == {
        4.0: ("Re-feeding alone changes little (less than 0.005 stars)", "not held"),
        9.0: ("Re-feeding alone changes little (less than 0.01125 stars)", "held"),
    }
