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


def test_what_a_script_published_is_agreed_with_claim_by_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    assert published.agreement(CLAIMS, "toy") is None
    write_table(tmp_path / "toy" / "tables" / "claims.csv", CLAIMS[:2])
    write_table(tmp_path / "toy" / "tables" / "trainings.csv", [{"run": "a", "commit": "abc"}] * 2)
    publish = runpy.run_path(str(ROOT / "scripts" / "publish_run.py"))["main"]
    publish(Namespace(results=tmp_path / "toy"))
    same = published.agreement(CLAIMS, "toy")  # a claim that is new has none to agree with
    assert same == published.Agreement(2, "abc", []) and same.n_same == 2
    other = published.agreement([CLAIMS[0] | {"verdict": "not held"}, CLAIMS[1]], "toy")
    assert other.n_same == 1
    assert other.differ == [{"statement": "Deeper helps", "here": "not held", "there": "unclear"}]


def test_a_damaged_table_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    (tmp_path / "toy.csv").write_text("claim,effect\ndeeper,0\n")
    with pytest.raises(InputError, match=r"toy.csv: found columns claim, effect; expected claim, verdict, commit"):
        published.agreement(CLAIMS, "toy")
