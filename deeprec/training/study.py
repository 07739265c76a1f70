"""A search's trials on disk while it runs: Optuna's journal, from which a killed search goes on."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from deeprec.runtime.files import FULL, InputError, disk_full
from deeprec.settings.base import shown

log = logging.getLogger(__name__)

IDENTITY, OUTCOME = "search", "outcome"  # what a study and a trial keep beside Optuna's own
AGAIN = "delete the file to start the search over"


class _HeldLock(JournalFileOpenLock):
    """No lock: the search holds one all along. Optuna's own stays behind a kill, and is waited for half a minute."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


@contextmanager
def open_study(path: Path, identity: dict[str, Any], pruner: optuna.pruners.BasePruner) -> Iterator[optuna.Study]:
    """Yield the study kept in the journal at `path`, for this process alone; a trial that was cut off is set aside.

    `identity` is what the trials follow from. Raises InputError where the journal is damaged, is that of another
    search, or is in use.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock := path.with_name(f".{path.name}.lock"), timeout=0), _removed(lock):
            _mend(path)
            study = _load(path, pruner)
            _check_identity(study, identity, path)
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                study.tell(trial.number, state=TrialState.FAIL)
            yield study
    except Timeout as error:
        raise InputError(f"{path}: found it in use by another process; expected one search at a time") from error
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path, error) from error
        raise InputError(f"{path}: {error.strerror}; expected a file to keep the search's trials in") from error


@contextmanager
def _removed(lock: Path) -> Iterator[None]:
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # while it is held, so that it is ours


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, in their order: all but those that were cut off."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _mend(path: Path) -> None:
    """Cut off a last line that a kill left unfinished; raise InputError where another line is no entry."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        log.warning("%s: line %d was not written to its end; it is cut off", path, len(lines))
        with path.open("r+b") as file:
            file.truncate(sum(map(len, lines[:-1])))
        lines = lines[:-1]
    for number, line in enumerate(lines, 1):
        try:
            json.loads(line)["op_code"]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(path, number, line) from error


def _damaged(path: Path, number: int, line: bytes) -> InputError:
    found = shown(line.decode("utf-8", "replace").strip())
    return InputError(f"{path}: line {number}: found {found}; expected an entry of Optuna's journal; {AGAIN}")


def _load(path: Path, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    try:
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=_HeldLock(str(path))))
        start = optuna.load_study if storage.get_all_studies() else optuna.create_study
        study = start(study_name="search", storage=storage, pruner=pruner)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # entries that do not fit together fail Optuna in any of a dozen ways
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: damaged ({words}); expected Optuna's journal of a search; {AGAIN}") from error
    for trial in finished_trials(study):
        if OUTCOME not in trial.user_attrs:
            raise InputError(f"{path}: trial {trial.number}: found no outcome of a training; expected one; {AGAIN}")
    return study


def _check_identity(study: optuna.Study, identity: dict[str, Any], path: Path) -> None:
    """Raise InputError where the journal's trials follow from anything else."""
    found: dict[str, Any] = study.user_attrs.get(IDENTITY, {})
    if not found and not study.get_trials(deepcopy=False):
        study.set_user_attr(IDENTITY, identity)
        return
    for key in {**identity, **found}:
        if found.get(key) != identity.get(key):
            raise InputError(
                f"{path}: found an unfinished search with {key} {shown(found.get(key))}; expected "
                f"{shown(identity.get(key))}: set it back to go on, or {AGAIN}"
            )
