"""A run's folder becomes a model, or a line says why not."""

import shutil
import subprocess
import sys

import pandas as pd
import pytest

import deeprec
from deeprec.runtime.files import InputError, read_json, write_json
from deeprec.serving.catalogue import Catalogue
from deeprec.serving.loading import load
from tests.conftest import ROOT, run_of
from tests.serving.conftest import train


def test_the_package_loads_a_run_and_imports_nothing_before(dataset):
    assert deeprec.load is load
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        deeprec.lod  # noqa: B018
    code = "import deeprec, sys; assert not {'torch', 'numpy', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.fixture
def copy(dataset, tmp_path):
    """The data set, to be damaged."""
    return shutil.copytree(dataset, tmp_path / "toy")


def test_a_copied_folder_gives_the_same_answers(copy, loaded):
    pd.testing.assert_frame_equal(load(copy / "runs" / "rrn" / "seed_0").recommend(107), loaded["rrn"].recommend(107))


def test_what_is_no_run_s_folder_is_told(copy, monkeypatch):
    with pytest.raises(InputError, match=r"toy: no checkpoint.pt, metrics.json; expected a run's folder"):
        load(copy)
    run = copy / "runs" / "als" / "seed_0"
    (copy / "splits" / "s" / "users.parquet").unlink()
    with pytest.raises(InputError, match=r"splits/s/users.parquet: no such file; .*als/seed_0 needs it"):
        load(run)
    monkeypatch.chdir(run)  # a relative path has no parents to look at
    with pytest.raises(InputError, match=r"splits/s/users.parquet: no such file; \. needs it"):
        load(".")


def test_a_damaged_checkpoint_is_told(copy):
    path = copy / "runs" / "als" / "seed_0" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match=r"checkpoint.pt: damaged \("):
        load(path.parent)


def test_a_diverged_training_left_no_model(copy):
    folder = train(run_of(name="lost", hidden=[4], lr=1e6, epochs=2), copy)
    assert read_json(folder / "metrics.json")["status"] == "diverged"
    with pytest.raises(InputError, match=r"lost/seed_0: the training diverged and left no model"):
        load(folder)


def test_another_split_under_the_same_name_is_refused(copy):
    path = copy / "runs" / "als" / "seed_0" / "metrics.json"
    write_json(path, {**read_json(path), "n_train": 7})
    with pytest.raises(InputError, match=r"found \d+ ratings of 40 users .*; expected .* 7 ratings of 40"):
        load(path.parent)


def test_names_are_the_ids_where_the_source_has_names(copy):
    """As a `csv` source writes them: items' names are their titles."""
    ids = pd.read_parquet(copy / "splits" / "s" / "users.parquet")["user_id"]
    pd.DataFrame({"user_id": ids, "name": [f"anna {n}" for n in ids]}).to_parquet(copy / "users.parquet")
    model = load(copy / "runs" / "als" / "seed_0")
    assert list(model.predict("anna 100", ["Film 4", "Film 7"])["item_id"]) == ["Film 4", "Film 7"]
    with pytest.raises(InputError, match=r"user 'bert': not among .* such as 'anna 100', 'anna 107'"):
        model.recommend("bert")
    with pytest.raises(InputError, match="user 100: not among"):
        model.recommend(100)
    pd.DataFrame({"user_id": ids, "name": ids.astype(str)}).to_parquet(copy / "users.parquet")
    catalogue = Catalogue.read(copy, copy / "splits" / "s")
    assert not catalogue.users.are_names and catalogue.items.are_names


def test_titles_have_their_year_where_it_is_known(loaded):
    titles = dict(zip(loaded["als"].catalogue.items.known, loaded["als"].catalogue.titles, strict=True))
    assert titles[1] == "Film 1" and titles[4] == "Film 4 (1994)"
