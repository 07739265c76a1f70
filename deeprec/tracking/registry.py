"""The final table's models in MLflow: logged as code and files, registered, the best one by validation the champion."""

import hashlib
import io
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import mlflow
import sqlalchemy
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType

from deeprec.config.dependencies import modules_of
from deeprec.runtime.files import ROOT
from deeprec.serving.loading import NEEDED, load
from deeprec.serving.recommender import Recommender
from deeprec.settings.models import MODELS
from deeprec.tracking.mirror import RunFolder

log = logging.getLogger(__name__)
CHAMPION = "champion"
CHECKPOINT = "deeprec.checkpoint"  # the tag that says which checkpoint a version holds
CODE = "deeprec/serving/pyfunc.py"
REQUIRED = ("mlflow", "numpy", "pandas", "pyarrow", "pydantic", "PyYAML", "scipy", "torch")  # what that imports


# Where a sqlite store keeps a model's place: table, column, and the column that names the model.
PLACES = (("logged_models", "artifact_location", "model_id"), ("model_versions", "storage_location", "source"))


def best_of(folders: list[RunFolder]) -> RunFolder | None:
    """Return the training with the lowest validation RMSE, None where none finished; test has no say."""
    finished = [folder for folder in folders if folder.metrics["status"] == "finished"]
    return min(finished, key=lambda folder: folder.metrics["valid_rmse"], default=None)


def register_models(
    client: mlflow.MlflowClient, uri: str, models: dict[str, list[RunFolder]], run_ids: dict[Path, str]
) -> RunFolder | None:
    """Log the best seed of each model of the final table, as versions of one registered model named after the data set.

    `models` are trainings by the model's name in the table, `run_ids` their runs in MLflow by folder. The best of all
    gets the alias `champion`; it is returned, None where no training finished. What is registered already stays.
    """
    best = {name: folder for name, folders in models.items() if (folder := best_of(folders))}
    champion = best_of(list(best.values()))
    if champion is None:
        return None
    dataset = champion.training.dataset
    known = {version.tags.get(CHECKPOINT): version for version in client.search_model_versions(f"name='{dataset}'")}
    for folder in best.values():
        folder.weights  # noqa: B018  # a damaged checkpoint is told of before anything is sent
    for name, folder in best.items():
        stamp = hashlib.sha256((folder.path / "checkpoint.pt").read_bytes()).hexdigest()[:12]
        version = known[stamp].version if stamp in known else _log(folder, name, run_ids[folder.path])
        client.update_model_version(dataset, version, _description(folder, name))
        client.set_model_version_tag(dataset, version, CHECKPOINT, stamp)
        if folder is champion:
            client.set_registered_model_alias(dataset, CHAMPION, version)
    settle_models(uri)
    return champion


def _log(folder: RunFolder, name: str, run_id: str) -> str:
    """Log and register one model; return its version."""
    model = load(folder.path)
    with (
        tempfile.TemporaryDirectory() as beside,
        mlflow.start_run(run_id=run_id),
        redirect_stderr(io.StringIO()),  # MLflow says three lines a model,
        warnings.catch_warnings(action="ignore"),  # and warns of its own type hints and deprecations
    ):
        _copy_data(folder, Path(beside) / "data")
        _copy_code(Path(beside))
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(ROOT / CODE),
            artifacts={"data": f"{beside}/data"},
            code_paths=[f"{beside}/deeprec"],
            pip_requirements=_requirements(),
            signature=_signature(model),
            input_example=({"user_id": [model.catalogue.users.known[0]]}, {"top": 3}),
            registered_model_name=folder.training.dataset,
            await_registration_for=None,
        )
    return str(info.registered_model_version)


def _copy_data(folder: RunFolder, to: Path) -> None:
    """Copy what a model answers from, laid out as in the data set's folder, so that `load` finds it."""
    dataset, split = folder.path.parents[2], folder.split
    titles = [path for name in ("items", "users") if (path := dataset / f"{name}.parquet").exists()]
    maps = [split / f"{name}.parquet" for name in ("train", "users", "items")]
    for path in [*titles, *maps, *(folder.path / name for name in (*NEEDED, "settings.yaml"))]:
        copy = to / path.relative_to(dataset)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _copy_code(to: Path) -> None:
    """Copy the package's modules that predicting needs, and no others."""
    learners = [kind.learner.partition(":")[0] for kind in MODELS.values()]
    for path in {Path(file).resolve() for learner in learners for file in modules_of(CODE, plus=learner)}:
        copy = to / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _requirements() -> list[str]:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in pins if line.partition("==")[0] in REQUIRED]


def _signature(model: Recommender) -> ModelSignature:
    """Return what may be asked, a table of optional columns, and what the answers hold."""
    user, item = (DataType.string if ids.are_names else DataType.long for ids in _ids(model))
    asked: list[ColSpec | TensorSpec] = [
        ColSpec(user, "user_id", required=False),
        ColSpec(item, "item_id", required=False),
        ColSpec(AnyType(), "ratings", required=False),  # type: ignore[no-untyped-call]
    ]
    told: list[ColSpec | TensorSpec] = [
        ColSpec(user, "user_id", required=False),
        ColSpec(DataType.long, "rank", required=False),
        ColSpec(item, "item_id"),
        ColSpec(DataType.string, "title"),
        ColSpec(DataType.float, "prediction"),
        ColSpec(DataType.long, "row", required=False),
    ]
    params = [ParamSpec("top", DataType.long, 10), ParamSpec("hide_seen", DataType.boolean, True)]
    return ModelSignature(Schema(asked), Schema(told), ParamSchema(params))


def _ids(model: Recommender) -> Iterator[Any]:
    yield from (model.catalogue.users, model.catalogue.items)


def _description(folder: RunFolder, name: str) -> str:
    run, m = folder.training, folder.metrics
    return (
        f"**{name}** on {run.dataset}: run `{run.name}`, the seed of lowest validation RMSE ({run.seed}), split "
        f"`{run.split}`. RMSE {m['valid_rmse']:.4f} on validation, {m['test_rmse']:.4f} on test, "
        f"which decided nothing.\n\n"
        f"Commit `{m['commit']}`; {m['machine']}; {m['versions']}.\n\nTo repeat it:\n\n```\n{folder.command}\n```\n"
    )


def settle_models(uri: str) -> None:
    """Let a local store's models be found from any working folder: by the place where results/ is now.

    MLflow keeps a model's place as its experiment's, which is relative so that results/ can be moved.
    """
    if not uri.startswith("sqlite:///"):
        return
    artifacts = Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts"
    engine = sqlalchemy.create_engine(uri)
    with engine.begin() as connection:
        query = "SELECT model_id, experiment_id FROM logged_models"
        for model, experiment in connection.execute(sqlalchemy.text(query)).all():
            place = artifacts / str(experiment) / "models" / model / "artifacts"
            if place.is_dir():
                for table, column, key in PLACES:
                    update = f"UPDATE {table} SET {column} = :place WHERE {key} = :model"
                    model_key = model if key == "model_id" else f"models:/{model}"
                    connection.execute(sqlalchemy.text(update), {"place": str(place), "model": model_key})
    engine.dispose()
