"""A published run, how another agrees with it, and how one is published."""

import runpy
from argparse import Namespace

import pytest

from deeprec.runtime import published
from deeprec.runtime.files import ROOT, InputError

CLAIMS = [
    {
        "claim": "deeper",
        "statement": "Deeper helps",
        "effect": "-0.1",
        "low": "-0.2",
        "high": "0",
        "verdict": "unclear",
    },
    {"claim": "wider", "statement": "Wider over-fits", "effect": "0.2", "low": "0.1", "high": "0.3", "verdict": "held"},
    {"claim": "new", "statement": "New", "effect": "", "low": "", "high": "", "verdict": "held"},
]


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n")


FINAL = [
    {"model": "ALS", "rmse_a": "0.95", "sd_a": "0.001", "best_a": "False", "rmse_b": "1.2", "sd_b": ""},
    {"model": "DeepRec", "rmse_a": "0.93", "sd_a": "0.02", "best_a": "True", "rmse_b": "", "sd_b": ""},
]


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Publish made-up tables as `toy`."""
    monkeypatch.setattr(published, "FOLDER", tmp_path / "published")
    main = runpy.run_path(str(ROOT / "scripts" / "publish_run.py"))["main"]
    write_table(tmp_path / "toy" / "tables" / "claims.csv", CLAIMS[:2])
    write_table(tmp_path / "toy" / "tables" / "final.csv", FINAL)
    write_table(tmp_path / "toy" / "tables" / "trainings.csv", [{"run": "a", "commit": "abc"}] * 2)
    return lambda: main(Namespace(results=tmp_path / "toy"))


def test_what_a_script_published_is_agreed_with_claim_by_claim(publish):
    assert published.agreement(CLAIMS, "toy") is None and published.score_agreement(FINAL, "toy") is None
    publish()
    same = published.agreement(CLAIMS, "toy")  # a claim that is new has none to agree with
    assert same == published.Agreement(2, "abc", []) and same.n_same == 2
    other = published.agreement([CLAIMS[0] | {"verdict": "not held"}, CLAIMS[1]], "toy")
    assert other.n_same == 1
    assert other.differ == [{"statement": "Deeper helps", "here": "not held", "there": "unclear"}]


@pytest.mark.parametrize(
    ("change", "n", "differ"),
    [
        ({}, 3, []),
        ({"rmse_a": "0.9557"}, 3, []),  # 2 √(0.001² + 0.001²) + 0.003 is 0.0058
        ({"rmse_a": "0.9443"}, 3, []),
        ({"rmse_a": "0.9559"}, 3, ["a"]),
        ({"rmse_a": "0.9441"}, 3, ["a"]),
        ({"rmse_a": "0.97", "sd_a": "0.01"}, 3, []),  # this run's own seeds lie far apart
        ({"rmse_b": "1.2029"}, 3, []),  # one seed: what processors change alone
        ({"rmse_b": "1.204"}, 3, ["b"]),
        ({"rmse_a": ""}, 2, []),  # it diverged here, which the verdicts tell
        ({"rmse_a": float("nan")}, 2, []),
        ({"rmse_a": 0.99}, 3, ["a"]),
        ({"model": "New"}, 1, []),
    ],
)
def test_scores_agree_where_seeds_and_processors_explain_the_difference(publish, change, n, differ):
    publish()
    found = published.score_agreement([FINAL[0] | change, FINAL[1]], "toy")
    assert (found.n, [row["split"] for row in found.differ]) == (n, differ) and found.n_same == n - len(differ)


def test_a_damaged_table_is_named(publish):
    publish()
    folder = published.FOLDER / "toy"
    (folder / "claims.csv").write_text("claim,effect\ndeeper,0\n")
    with pytest.raises(InputError, match=r"claims.csv: found columns claim, effect; expected claim, verdict, commit"):
        published.agreement(CLAIMS, "toy")
    (folder / "final.csv").write_text("model,split\nALS,a\n")
    with pytest.raises(InputError, match=r"final.csv: found columns model, split; expected model, split, rmse, sd"):
        published.score_agreement(FINAL, "toy")
