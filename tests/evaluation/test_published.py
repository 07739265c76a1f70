"""A published run, and how another agrees with it."""

import pandas as pd

from deeprec.evaluation import published
from deeprec.evaluation.tables import write_csv

CLAIMS = pd.DataFrame(
    {
        "claim": ["deeper", "wider", "new"],
        "statement": ["Deeper helps", "Wider over-fits", "New"],
        "effect": [-0.1, 0.2, 0.0],
        "low": [-0.2, 0.1, -0.1],
        "high": [0.0, 0.3, 0.1],
        "verdict": ["unclear", "held", "held"],
    }
)


def test_what_is_published_is_agreed_with_claim_by_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    assert published.agreement(CLAIMS, "toy") is None
    kept = published.to_publish(CLAIMS.head(2), pd.DataFrame({"commit": ["abc", "abc"]}))
    write_csv(kept, tmp_path / "toy.csv")
    same = published.agreement(CLAIMS, "toy")  # a claim that is new has none to agree with
    assert same == {"n": 2, "n_same": 2, "commit": "abc", "differ": []}
    other = published.agreement(CLAIMS.assign(verdict=["not held", "held", "held"]), "toy")
    assert other["n_same"] == 1
    assert other["differ"] == [{"statement": "Deeper helps", "here": "not held", "there": "unclear"}]
