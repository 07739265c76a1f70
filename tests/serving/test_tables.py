"""Pairs and ratings that people hand in, tables that they take away, and the commands for both."""

import os
import runpy
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deeprec.runtime.files import InputError
from deeprec.serving import tables
from deeprec.serving.tables import predict_pairs, user_of, write_blocks
from tests.conftest import ROOT


def pairs_of(model, n: int = 200) -> pd.DataFrame:
    """Pairs in no order, with a column that is nobody's business."""
    rng = np.random.default_rng(0)
    users, items = (rng.choice(ids.known, n) for ids in (model.catalogue.users, model.catalogue.items))
    return pd.DataFrame({"note": [f"n{k}" for k in range(n)], "user_id": users, "item_id": items})


def read(path):
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("size", [64, 1 << 20], ids=["many blocks", "one block"])
def test_a_table_of_pairs_gets_the_predictions_of_the_object(loaded, tmp_path, monkeypatch, suffix, size):
    monkeypatch.setattr(tables, "BLOCK_BYTES", max(size, 512))
    monkeypatch.setattr(tables, "BLOCK_ROWS", size)
    model = loaded["deeprec"]
    pairs, path, out = pairs_of(model), tmp_path / f"pairs{suffix}", tmp_path / "out" / f"predictions{suffix}"
    pairs.to_csv(path, index=False) if suffix == ".csv" else pairs.to_parquet(path)
    assert write_blocks(predict_pairs(model, path), out) == 200
    expected = model.predict(pairs["user_id"], pairs["item_id"])
    found = read(out)
    assert list(found) == ["note", "user_id", "item_id", "title", "prediction"]
    assert list(found["title"]) == list(expected["title"]) and list(found["note"]) == list(pairs["note"])
    assert found["user_id"].dtype == np.int64
    np.testing.assert_allclose(found["prediction"], expected["prediction"], rtol=0, atol=1e-5)


def test_dates_of_pairs_reach_the_model_of_time(loaded, tmp_path):
    model, path = loaded["rrn"], tmp_path / "pairs.csv"
    path.write_text("user_id,item_id,date\n100,4,2002-11-10\n100,4,\n100,4,2002-12-24\n")
    found = pd.concat([block.to_pandas() for block in predict_pairs(model, path)])["prediction"]
    expected = model.predict(100, 4, ["2002-11-10", None, "2002-12-24"])["prediction"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert found.iloc[0] != found.iloc[1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_new_user_comes_from_a_table(loaded, tmp_path, suffix):
    ratings = pd.DataFrame({"item_id": [4, 1, 31], "rating": [5, 1, 3]})
    path = tmp_path / f"mine{suffix}"
    ratings.to_csv(path, index=False) if suffix == ".csv" else ratings.to_parquet(path)
    model = loaded["als"]
    pd.testing.assert_frame_equal(user_of(model, path).recommend(5), model.add_user(ratings).recommend(5))


PAIRS = [
    ("user_id,item_id\n100,4\n100,5\n", r"pairs.csv:3: item '5': not among the 25 items .* such as '1', '4', '7'"),
    ("user_id,item_id\n,4\n", r"pairs.csv:2: user ''?.*: not among the 40 users"),
    ("user_id,item_id\n0100,4\n", r"pairs.csv:2: user '0100': not among"),
    ("user_id,item_id\n100,4,1\n", r"pairs.csv: CSV parse error: .*Expected 2 columns, got 3"),
    ("user_id,item\n100,4\n", r"pairs.csv: no column item_id; found user_id; expected user_id, item_id"),
    ("user_id,item_id,title\n100,4,x\n", r"pairs.csv: found a column title, which is to be written"),
    ("user_id,item_id,date\n100,4,then\n", r"pairs.csv: date: found 'then'; expected a date such as '2005-12-31'"),
    ("", r"pairs.csv: Empty CSV file; expected a comma-separated table with a header"),
    (None, r"pairs.csv: no such file"),
]


@pytest.mark.parametrize(("text", "told"), PAIRS)
def test_what_does_not_fit_in_pairs_is_named_and_nothing_is_written(text, told, loaded, tmp_path):
    path, out = tmp_path / "pairs.csv", tmp_path / "out.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=told):
        write_blocks(predict_pairs(loaded["bias"], path), out)
    assert set(tmp_path.iterdir()) <= {path}


RATINGS = [
    ("item_id,rating\n4,5\n5,3\n", r"mine.csv:3: item '5': not among"),
    ("item_id,rating\n4,9\n", r"mine.csv: found 9 for item 4; expected a number from 1 to 5"),
    ("item_id,rating\n4,good\n", r"mine.csv: found 'good' for item 4; expected a number"),
    ("item_id,rating\n4,\n7,3\n", r"mine.csv: found nan for item 4; expected a number"),
    ("item_id,rating\n4,5\n4,3\n", r"mine.csv: item 4 is rated more than once"),
    (
        "item_id,stars\n4,5\n",
        r"mine.csv: no column rating; found item_id, stars; expected item_id, rating, and",
    ),
    ("film,rating\n4,5\n", r"mine.csv: no column item_id; found film, rating"),
    ("item_id,rating\n", r"mine.csv: found none; expected at least one"),
]


@pytest.mark.parametrize(("text", "told"), RATINGS)
def test_what_does_not_fit_in_ratings_is_named(text, told, loaded, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        user_of(loaded["als"], path)


def test_rows_of_parquet_and_unknown_kinds_of_file_are_named(loaded, tmp_path):
    path = tmp_path / "pairs.parquet"
    pd.DataFrame({"user_id": [100, 100], "item_id": [4, 5]}).to_parquet(path)
    with pytest.raises(InputError, match=r"pairs.parquet: row 2: item 5: not among"):
        list(predict_pairs(loaded["bias"], path))
    path.write_bytes(b"no table")
    with pytest.raises(InputError, match=r"pairs.parquet: .*; expected a Parquet file"):
        list(predict_pairs(loaded["bias"], path))
    with pytest.raises(InputError, match=r"pairs.xlsx: found '.xlsx'; expected a file .csv or .parquet"):
        list(predict_pairs(loaded["bias"], tmp_path / "pairs.xlsx"))
    with pytest.raises(InputError, match=r"--out: found 'x.txt'; expected a file .csv or .parquet"):
        tables.check_suffix(Path("x.txt"))


def script(name: str, *words: object) -> subprocess.CompletedProcess:
    command = [sys.executable, f"scripts/{name}.py", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_commands_do_as_the_object(loaded, dataset, tmp_path):
    model, run = loaded["deeprec"], dataset / "runs" / "deeprec" / "seed_0"
    done = script("recommend", run, "--user", 107, 100, "--top", 3)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["user_id", "rank", "item_id", "title", "prediction"] and len(lines) == 7
    best = model.recommend([107, 100], 3).iloc[0]
    assert lines[1].split() == ["107", "1", str(best["item_id"]), *best["title"].split(), f"{best['prediction']:.2f}"]
    done = script("recommend", run, "--all", "--top", 2, "--out", tmp_path / "all.csv")
    assert done.returncode == 0 and "80 recommendations" in done.stderr
    expected = pd.concat(list(model.recommend_all(2)), ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "all.csv"), expected, check_dtype=False, atol=1e-5)
    pairs = tmp_path / "pairs.csv"
    pairs_of(model).to_csv(pairs, index=False)
    done = script("predict", run, "--pairs", pairs, "--out", tmp_path / "predictions.parquet")
    assert done.returncode == 0 and "200 predictions" in done.stderr
    assert len(read(tmp_path / "predictions.parquet")) == 200


def test_commands_end_in_one_line(dataset, tmp_path):
    run = dataset / "runs" / "als" / "seed_0"
    cases = [
        (["recommend", run, "--user", "99"], "error: user '99': not among the 40 users"),
        (["predict", run, "--pairs", "no.csv", "--out", tmp_path / "o.csv"], "error: no.csv: no such file"),
    ]
    for words, told in cases:
        done = script(*words)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith(told) and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_asked_wrongly_is_told_before_the_model_is_loaded():
    main = runpy.run_path(str(ROOT / "scripts" / "recommend.py"))["main"]
    with pytest.raises(InputError, match="number of items to recommend: found 0"):
        main(Namespace(run="nowhere", top=0, out=None))
    with pytest.raises(InputError, match=r"--out: found 'x\.txt'"):
        main(Namespace(run="nowhere", top=3, out=Path("x.txt")))
