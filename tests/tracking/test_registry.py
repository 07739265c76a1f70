"""The registered models: validation chooses them, each is there once, and they answer wherever they are loaded."""

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest

from deeprec.config.run_settings import write_run
from deeprec.runtime.files import write_json
from deeprec.serving.loading import load
from deeprec.tracking.mirror import RunFolder
from deeprec.tracking.registry import best_of, register_models, settle_models
from deeprec.tracking.store import open_store
from tests.conftest import metrics_of, run_of
from tests.serving.conftest import dataset  # noqa: F401


def folder(path: Path, model: str, valid: float | None, test: float | None) -> RunFolder:
    write_run(run_of(model), path / "settings.yaml")
    status = "diverged" if valid is None else "finished"
    write_json(path / "metrics.json", metrics_of(status=status, valid_rmse=valid, test_rmse=test))
    return RunFolder(path)


def test_validation_chooses_the_model_and_test_has_no_say(tmp_path):
    folders = [
        folder(tmp_path / "a", "autoencoder", 1.02, 0.90),
        folder(tmp_path / "b", "autoencoder", 1.01, 1.10),
        folder(tmp_path / "c", "autoencoder", None, None),
    ]
    assert best_of(folders) == folders[1]
    assert best_of(folders[2:]) is None


@pytest.mark.filterwarnings("default")  # MLflow's own
def test_models_are_registered_once_and_answer_as_the_run_does(dataset, tmp_path, monkeypatch):  # noqa: F811
    results = tmp_path / "results"
    shutil.copytree(dataset, results / "toy")
    monkeypatch.chdir(tmp_path)
    uri = "sqlite:///results/mlflow.db"
    mlflow.set_tracking_uri(uri)
    client, experiment = open_store(uri, "toy")
    models = {name: [RunFolder(Path("results/toy/runs") / name / "seed_0")] for name in ("als", "bias")}
    ids = {f.path: client.create_run(experiment).info.run_id for [f] in models.values()}
    expected = best_of([f for [f] in models.values()])
    for _ in range(2):  # the second time nothing is new
        assert register_models(client, uri, models, ids) == expected
        assert len(client.search_model_versions("name='toy'")) == 2
    version = client.get_model_version_by_alias("toy", "champion")
    assert f"run `{expected.training.name}`" in version.description and "which decided nothing" in version.description
    moved = shutil.move(results, tmp_path / "elsewhere")
    uri = f"sqlite:///{moved}/mlflow.db"
    settle_models(uri)
    mlflow.set_tracking_uri(uri)
    monkeypatch.chdir("/")
    served = mlflow.pyfunc.load_model("models:/toy@champion")
    answer = served.predict({"user_id": [107]}, params={"top": 4})
    model = load(Path(moved) / "toy" / "runs" / expected.training.name / "seed_0")
    best = model.recommend(107, 4)
    assert list(answer["item_id"]) == list(best["item_id"]) and list(answer["title"]) == list(best["title"])
    np.testing.assert_array_equal(answer["prediction"], best["prediction"])
    assert load("models:/toy@champion", tracking_uri=uri).recommend(107, 4).equals(best)
    with pytest.raises(mlflow.exceptions.MlflowException, match="user 99: not among the 40 users"):
        served.predict({"user_id": [99]})
