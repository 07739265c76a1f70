"""The last lines of a run: what came out, in few lines, and what to do next."""

import json

from deeprec.runtime import published
from deeprec.runtime.summary import summary

CLAIMS = "claim,statement,verdict\ndeeper,Deeper,held\nwider,Wider,not held\n"
FINAL = (
    "model,rmse_a,best_a,rmse_b,best_b\nALS,0.95,False,,False\nDeepRec,0.93,True,1.01,False\nPCA,0.94,False,1.2,False\n"
)


def write(folder, best_run):
    (folder / "toy" / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "toy" / "tables" / "claims.csv").write_text(CLAIMS)
    (folder / "toy" / "tables" / "final.csv").write_text(FINAL)
    (folder / "toy" / "tracking.json").write_text(json.dumps({"best_run": best_run}))
    return folder / "toy"


def test_it_says_what_came_out_and_what_to_do_next(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    folder = write(tmp_path, "results/toy/runs/als/seed_0")
    (folder / "claims.csv").write_text("claim,verdict,commit\ndeeper,held,abc\nwider,held,abc\n")
    (folder / "final.csv").write_text("model,split,rmse,sd,commit\nALS,a,0.95,,abc\nPCA,b,1.3,,abc\n")
    lines = summary(folder, 90.0)
    assert lines[:6] == [
        "toy: of 2 claims, 1 held, 1 not held, 0 unclear",
        "  1 of 2 verdicts are those of the published run",
        "  1 of 2 test RMSE are its, within what seeds and processors change",
        "  best on a: DeepRec, test RMSE 0.9300",
        "  best on b: DeepRec, test RMSE 1.0100 (no clear lead)",
        "  took 1.5 minutes",
    ]
    assert len(lines) <= 15 and "recommend.py results/toy/runs/als/seed_0" in lines[-1]


def test_it_says_nothing_of_what_is_not_there(tmp_path):
    lines = summary(write(tmp_path, None), 1.0)
    assert not [line for line in lines if "published" in line or "recommend" in line]


def test_claims_without_runs_are_counted_apart(tmp_path):
    folder = write(tmp_path, None)
    (folder / "tables" / "claims.csv").write_text(f"{CLAIMS}other,Other,not run\n")
    assert summary(folder, 1.0)[0] == "toy: of 3 claims, 1 held, 1 not held, 0 unclear, 1 not run"


def test_it_says_what_mlflow_missed(tmp_path):
    folder = write(tmp_path, None)
    missed = {"tracking_uri": "http://127.0.0.1:9", "charts": None, "best_run": None, "unsent": ["a", "b"]}
    (folder / "tracking.json").write_text(json.dumps(missed))
    lines = summary(folder, 1.0)
    assert lines[-1] == "  2 not sent to MLflow: make mirror sends what is missing"
    assert not [line for line in lines if "None" in line]
