"""MLflow's store: made whole or not at all, and one line where it fails, for a mirror may be down."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # a bar for each of hundreds of files
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a run, of a server
# MLflow's own patience, minutes a call, would hold a training up for a server that is down.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

import sqlalchemy
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from deeprec.runtime.files import InputError, replacing
from deeprec.tracking.complete import store_file

log = logging.getLogger(__name__)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # a line a try, beside the one that is told here
T = TypeVar("T")
LOCK_SECONDS = 60.0  # to wait for another process that makes the store
WAIT_SECONDS = 180.0  # to wait for a server that is away, where nothing but the mirror is left to do
PAUSE = 2.0  # seconds between two tries
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
FAULTS = (MlflowException, SQLAlchemyError, OSError, ImportError)  # of a store, its server or its disk
AWAY = "move it away, and the next call makes it again from the runs' folders"
REMEDIES = {  # by what the fault says
    "not a database": f"it is damaged: {AWAY}",
    "malformed": f"it is damaged: {AWAY}",
    "no such": f"it is damaged: {AWAY}",
    "is full": "make room on the disk",
    "locked": "another process holds it: end that one, or wait",
    "file lock": "another process holds it: end that one, or wait",
    "unable to open": "its folder must exist and be writable",
    "readonly": "it must be writable",
    "No module": "install the driver of that database",
}


class TrackingError(InputError):
    """The store failed; told in one line with the remedy."""


@contextmanager
def telling(uri: str) -> Iterator[None]:
    """Turn whatever a store fails with into a TrackingError that names it."""
    try:
        yield
    except FAULTS as error:
        orig = getattr(error, "orig", None) or error
        words = " ".join(str(orig).split("[SQL")[0].split()) or type(error).__name__
        remedy = next((remedy for sign, remedy in REMEDIES.items() if sign in words), "see that it is up")
        raise TrackingError(f"MLflow's store {uri}: {words[:200]}; {remedy}") from error


def patiently(uri: str, do: Callable[[], T]) -> T:
    """Return what `do` returns, which may be done twice; while the server is away, wait for it, and say so once.

    Raises TrackingError for any other fault, and where the server is away for longer than WAIT_SECONDS.
    """
    start, told = time.monotonic(), False
    while True:
        try:
            with telling(uri):
                done = do()
        except TrackingError as error:
            if not _is_away(error.__cause__, uri) or time.monotonic() - start > WAIT_SECONDS:
                raise
            if not told:
                log.warning("%s. Waiting for it, up to %.0f s", error, WAIT_SECONDS)
                told = True
            time.sleep(PAUSE)
        else:
            if told:
                log.info("MLflow's store %s: there again, after %.0f s", uri, time.monotonic() - start)
            return done


def _is_away(fault: BaseException | None, uri: str) -> bool:
    """Whether a fault is a server's that may come back, and no refusal and nothing local."""
    if store_file(uri) is not None:
        return False
    if isinstance(fault, MlflowException):
        return bool(fault.get_http_status_code() >= 500)  # type: ignore[no-untyped-call]
    return isinstance(fault, OperationalError | OSError)


def open_store(uri: str, dataset: str) -> tuple[MlflowClient, str]:
    """Return a client and the id of the data set's experiment, made here if need be, once however many ask.

    Two processes that create a fresh sqlite store at once ruin it, hence the lock; one that is killed meanwhile would
    leave half of it, hence the rename. An experiment in MLflow's trash is restored. The artifacts' folder is made
    relative, which MLflow itself would make absolute: results/ can be moved. Raises TrackingError.
    """
    with telling(uri):
        file = store_file(uri)
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.parent / ".mlflow.lock", timeout=LOCK_SECONDS) if file else nullcontext():
            if file and not (file.exists() and file.stat().st_size):
                try:
                    _create(file)
                except InputError as error:  # no space left
                    raise TrackingError(f"MLflow's store {uri}: {error}; make room on the disk") from error
            if _is_database(uri):
                _probe(uri)
            client = MlflowClient(uri)
            found = client.get_experiment_by_name(dataset)
            if found is None:
                found = _create_experiment(client, uri, dataset)
                if file:
                    _make_relative(uri, found.experiment_id, file.parent / "mlartifacts" / found.experiment_id)
            if found.lifecycle_stage != LifecycleStage.ACTIVE:
                client.restore_experiment(found.experiment_id)
                log.warning("MLflow's store %s: the experiment %r was in the trash; restored", uri, dataset)
            return client, found.experiment_id


def _create_experiment(client: MlflowClient, uri: str, dataset: str) -> Experiment:
    """Make an experiment, or find the one that another process, or a call whose answer was lost, has made meanwhile."""
    # A database without a server keeps no files; a server knows where its own are, and sqlite's follow below.
    files = (
        str(Path("results", "mlartifacts", dataset).absolute()) if _is_database(uri) and not store_file(uri) else None
    )
    try:
        return client.get_experiment(client.create_experiment(dataset, artifact_location=files))
    except MlflowException:
        if found := client.get_experiment_by_name(dataset):
            return found
        raise


def _is_database(uri: str) -> bool:
    return uri.partition("://")[0].partition("+")[0] in DATABASES


def _probe(uri: str) -> None:
    """Open a database once, for MLflow would try for an hour."""
    engine = sqlalchemy.create_engine(uri)
    try:
        sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def _create(file: Path) -> None:
    with replacing(file) as beside:
        # The whole path: MLflow keeps an engine for each address, whatever the working folder.
        made = SqlAlchemyStore(f"sqlite:///{beside.resolve()}", str(file.parent / "mlartifacts"))  # type: ignore[no-untyped-call]
        made.engine.dispose()


def _make_relative(uri: str, experiment: str, artifacts: Path) -> None:
    engine = sqlalchemy.create_engine(uri)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("UPDATE experiments SET artifact_location = :folder WHERE experiment_id = :id"),
            {"folder": str(artifacts), "id": int(experiment)},
        )
    engine.dispose()
