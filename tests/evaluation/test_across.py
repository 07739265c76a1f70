"""Verdicts of several data sets side by side, where the right sentence is known."""

import numpy as np
import pandas as pd
import pytest

from deeprec.evaluation.across import NOT_RUN, Found, across_page, across_table, sentence
from deeprec.evaluation.across_figure import draw_across
from deeprec.evaluation.claims import CLAIMS, judge_claims


def claims(**effects: tuple[float, float, float]) -> pd.DataFrame:
    """claims.csv where no run exists, but for some claims' effect, low and high, which stand for verdicts."""
    table = judge_claims(pd.DataFrame({"run": [], "seed": [], "status": []}), {}, 4.0)
    for name, (effect, low, high) in effects.items():
        verdict = "held" if high < 0 else "not held" if low > 0 else "unclear"
        at = table["claim"] == name
        table.loc[at, ["effect", "low", "high", "n_seeds", "verdict"]] = [effect, low, high, 3, verdict]
    return table


def found(name: str, rating_range: float = 4.0, table: pd.DataFrame | None = None, **effects) -> Found:
    sizes = {"n_train": 1234, "n_users": 10, "n_items": 20}
    told = claims(**effects) if table is None else table
    return Found(name, name.title(), told, **sizes, rating_range=rating_range, commit="c", machine="m")


TWO = [
    found("one", depth_first=(-0.1, -0.2, -0.05), depth_more=(0.1, 0.05, 0.2)),
    found("ten", 9.0, depth_first=(-0.18, -0.2, -0.1), depth_more=(-0.1, -0.2, 0.05)),
]


def test_there_is_a_row_a_claim_and_data_set_in_the_papers_order():
    table = across_table(TWO)
    assert list(table["claim"].unique()) == [claim.name for claim in CLAIMS]
    assert (table.groupby("claim")["dataset"].agg(list).map(tuple) == ("one", "ten")).all()
    first = table[table["claim"] == "depth_first"].set_index("dataset")
    assert first["share"].to_dict() == pytest.approx({"one": -2.5, "ten": -2.0})  # of scales of 4 and 9 stars
    assert first["verdict"].to_dict() == {"one": "held", "ten": "held"}


def test_what_was_not_run_is_called_so_and_not_unclear():
    lacking = found("lacks", table=claims().query("claim != 'depth_first'"))
    table = across_table([TWO[0], lacking])
    rows = table[table["claim"] == "depth_first"].set_index("dataset")
    assert rows.loc["lacks", "verdict"] == NOT_RUN and np.isnan(rows.loc["lacks", "effect"])
    assert rows.loc["lacks", "statement"] == rows.loc["one", "statement"]
    assert (table[table["claim"] == "dropout_best"]["verdict"] == NOT_RUN).all()


def test_what_is_little_is_said_for_all_data_sets_alike():
    rows = across_table(TWO).query("claim == 'refeed_alone'")
    assert set(rows["statement"]) == {"Re-feeding alone changes little (less than 0.125% of the ratings' range)"}


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("depth_first", "Held on 2 of 2; the same sign on all."),
        ("depth_more", "Held on 0 of 2, not held on 1; its sign differs."),
        ("dropout_best", "Run on none."),
    ],
)
def test_a_sentence_sums_a_claim_up(claim, words):
    table = across_table(TWO)
    assert sentence(table[table["claim"] == claim]) == words


def test_a_claim_on_one_data_set_has_no_sign_to_compare():
    table = across_table(TWO[:1])
    assert sentence(table[table["claim"] == "depth_first"]) == "Held on 1 of 1."


def test_the_page_and_the_figure_show_every_claim():
    table = across_table(TWO)
    page = across_page(TWO, table, "claims.png")
    assert "| C | A second layer on each side lowers evaluation RMSE | ● -0.1000 | ● -0.1800 |" in page
    assert "✕ +0.1000" in page and "○ -0.1000" in page and "1,234 training ratings, 10 users" in page
    figure = draw_across(TWO, table)
    left, right = figure.axes
    assert len(left.get_yticklabels()) == len(CLAIMS)
    assert [text.get_text() for text in right.texts].count(NOT_RUN) == len(CLAIMS) - 2
    assert left.get_title(loc="left").startswith("One\n")
