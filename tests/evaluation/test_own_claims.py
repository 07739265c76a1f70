"""Verdicts on claims of ours, on made-up results, where the right one is known."""

import pytest

from deeprec.config.checks import load_plan
from deeprec.config.schema import Ablation
from deeprec.evaluation.own_claims import LEADS, judge_own
from tests.evaluation.test_claims import trainings

OURS = [0.92, 0.921, 0.922]
FINAL = {"final": {"ALS": "als", "PCA": "pca", "Rivals, blended": "mix", "DeepRec+": "plus"}}


def on_test(**runs):
    return trainings(**runs).rename(columns={"valid_rmse": "test_rmse"})


def verdicts(groups, ablations=None, **runs) -> dict[str, str]:
    table = judge_own(on_test(**runs), groups, ablations or {})
    return dict(zip(table["claim"], table["verdict"], strict=True))


@pytest.mark.parametrize(
    ("als", "mix", "expected"),
    [
        ([0.95, 0.951, 0.953], [0.93, 0.931, 0.933], ("held", "held")),
        ([0.95, 0.951, 0.953], [0.91, 0.9105, 0.912], ("held", "not held")),
        ([0.90, 0.901, 0.903], [0.93, 0.931, 0.933], ("not held", "held")),
        ([0.90, 0.95, 0.93], [0.93, 0.931, 0.933], ("unclear", "held")),
        ([None, None, None], [0.93, 0.931, 0.933], ("held", "held")),
    ],
)
def test_the_best_rival_is_the_best_of_each_seed(als, mix, expected):
    found = verdicts(FINAL, als=als, pca=[0.97, 0.96, 0.98], mix=mix, plus=OURS)
    assert (found["plus_beats_the_best_rival"], found["plus_beats_the_best_blend_of_rivals"]) == expected


def test_every_split_of_the_final_table_is_judged():
    both = {**FINAL["final"], "DeepRec+ on 6m": "plus_6m", "ALS on 6m": "als_6m", "Rivals, blended on 6m": "mix_6m"}
    found = verdicts({"final": both}, als_6m=[0.9, 0.901, 0.902], plus_6m=[0.95, 0.952, 0.953], plus=OURS)
    assert found["plus_beats_the_best_rival_on_6m"] == "not held"
    assert found["plus_beats_the_best_blend_of_rivals_on_6m"] == "not run"  # there is no such run
    assert len(found) == 4


def test_deeprec_plus_with_searched_settings_is_judged_by_itself():
    models = {**FINAL["final"], "DeepRec+, searched": "searched", "DeepRec+, other": "other"}
    rivals = {"als": [0.93, 0.931, 0.933], "pca": [0.94, 0.941, 0.943]}
    found = verdicts({"final": models}, **rivals, plus=OURS, searched=[0.95, 0.951, 0.953])
    assert found["plus_beats_the_best_rival"] == "held" and found["plus_searched_beats_the_best_rival"] == "not held"
    assert len(found) == 4


@pytest.mark.parametrize(("expect", "verdict"), [("worse", "held"), ("better", "not held")])
def test_a_panel_of_changes_makes_a_claim_a_run(expect, verdict):
    panel = {"show": "change", "reference": "whole", "expect": expect, "runs": ["less", "lesser"]}
    ablation = Ablation(
        title="Parts", experiment="G", runs={"whole": "w", "less": "a", "lesser": "b", "other": "c"}, panels=[panel]
    )
    table = judge_own(
        on_test(w=OURS, a=[0.93, 0.932, 0.931], b=[0.94, 0.9, 0.93]),
        {"parts": ablation.runs},
        {"parts": ablation},
    ).set_index("claim")
    assert list(table.index) == ["parts_less", "parts_lesser"]
    assert table.loc["parts_less", "verdict"] == verdict and table.loc["parts_lesser", "verdict"] == "unclear"
    assert table.loc["parts_less", "effect"] == pytest.approx(0.01) and table.loc["parts_less", "experiment"] == "G"
    assert table.loc["parts_less", "statement"] == f"whole with “less” is {expect}"


def test_where_nothing_is_claimed_the_table_has_its_columns_alone():
    table = judge_own(on_test(a=[1.0]), {}, {})
    assert table.empty and {"claim", "verdict", "sentence"} <= set(table)


def test_the_configs_claims_have_their_runs(config):
    plan = load_plan(config)
    table = judge_own(on_test(a=[1.0]), plan.groups, plan.ablations)
    assert table["claim"].is_unique and set(table["experiment"]) == {LEADS, "G"}
    n_leads = 2 * 2 * len(plan.dataset.splits)  # with and without a search, against the best rival and the best blend
    assert (table["experiment"] == LEADS).sum() == n_leads
    labels = {f"{name}: {label}" for name, labels in plan.groups.items() for label in labels}
    # Here none has results yet, which is what they say.
    assert set(table["sentence"]) <= {f"Not run: there is no run for '{label}'." for label in labels}
