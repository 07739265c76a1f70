"""From a run's folder, or a model in MLflow, to the object that uses it."""

from pathlib import Path
from typing import Any

from deeprec.config.run_settings import parse_run
from deeprec.data.matrix import read_train
from deeprec.models.factors import rating_range
from deeprec.models.learners import restore
from deeprec.runtime.files import InputError, read_json
from deeprec.runtime.torch_files import read_torch
from deeprec.serving.catalogue import Catalogue
from deeprec.serving.recommender import Recommender

IN_MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")
NEEDED = ("checkpoint.pt", "metrics.json")


def load(source: str | Path, *, device: str = "cpu", tracking_uri: str | None = None) -> Recommender:
    """Return a trained model, ready to be used.

    `source` is a run's folder, results/DATASET/runs/RUN/seed_N, beside whose `runs` lie the data set's `splits` and
    `items.parquet`; or an address in MLflow (at `tracking_uri`), such as models:/NAME@champion. Raises InputError where
    it is neither, where the training diverged, and where the split is another than the model was trained on.
    """
    if str(source).startswith(IN_MLFLOW):
        return load(_run_folder(download(str(source), tracking_uri), str(source)), device=device)
    folder = Path(source)
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise InputError(f"{folder}: no {', '.join(missing)}; expected a run's folder, results/DATASET/runs/RUN/seed_N")
    metrics = read_json(folder / "metrics.json")
    if metrics["status"] != "finished":
        raise InputError(f"{folder}: the training {metrics['status']} and left no model; expected one that finished")
    checkpoint = _read(folder / "checkpoint.pt")
    run = parse_run(checkpoint["settings"], str(folder / "checkpoint.pt"))
    dataset = folder.resolve().parents[2]
    split = dataset / "splits" / run.split
    for path in (split / "train.parquet", split / "users.parquet", split / "items.parquet", dataset / "items.parquet"):
        if not path.is_file():
            raise InputError(f"{path}: no such file; {folder} needs it, its training data")
    train = read_train(split, dated=run.settings.dated)
    found, expected = (train.n_rows, train.n_columns, train.n_ratings), _shape(metrics)
    if found != expected:
        raise InputError(
            f"{split}: found {_told(found)}; expected those that {folder} was trained on, {_told(expected)}"
        )
    scorer = restore(run.settings, checkpoint["weights"], train, device)
    return Recommender(run, scorer, train, Catalogue.read(dataset, split), rating_range(train))


def _shape(metrics: dict[str, Any]) -> tuple[int, int, int]:
    return metrics["n_users"], metrics["n_items"], metrics["n_train"]


def _told(shape: tuple[int, int, int]) -> str:
    users, items, ratings = shape
    return f"{ratings:,} ratings of {users:,} users and {items:,} items"


def _read(path: Path) -> dict[str, Any]:
    checkpoint = read_torch(path)
    if missing := [name for name in ("settings", "weights") if name not in checkpoint]:
        raise InputError(f"{path}: no {', '.join(missing)}; expected a run's checkpoint")
    return checkpoint


def download(uri: str, tracking_uri: str | None) -> Path:
    """Bring a model's files from MLflow to this machine, and return their folder; raise InputError where none are."""
    import mlflow  # which takes seconds, for this alone

    if tracking_uri:
        mlflow.set_tracking_uri(tracking_uri)
    store = mlflow.get_tracking_uri()
    if store.startswith("sqlite:///") and not Path(store.removeprefix("sqlite:///")).is_file():  # MLflow makes one
        raise InputError(f"{uri}: no store {store}; expected the one that `make reproduce` makes")
    try:
        return Path(mlflow.artifacts.download_artifacts(uri))
    except mlflow.exceptions.MlflowException as error:
        raise InputError(f"{uri}: {error.message}; expected a model in {store}") from error


def _run_folder(folder: Path, uri: str) -> Path:
    if not (found := sorted(folder.rglob("checkpoint.pt"))):
        raise InputError(f"{uri}: no checkpoint.pt in it; expected a model that the pipeline logged")
    return found[0].parent
