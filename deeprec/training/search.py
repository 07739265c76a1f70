"""The search: settings sampled from a declared space by Optuna, with the same number of trials for every model.

The first trials are sampled at random, the others by a tree-structured Parzen estimator (Bergstra et al., NIPS 2011)
over all settings together. Validation decides; test is never read.
"""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from optuna.trial import TrialState
from pydantic import ValidationError

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, RatingMatrix, read_part, read_train
from deeprec.evaluation.search_study import distributions_of, settings_of
from deeprec.evaluation.search_trials import labelled
from deeprec.runtime.files import InputError, digest
from deeprec.runtime.provenance import commit
from deeprec.settings.base import ModelSettings, Space, problems
from deeprec.training.loop import Progress, divergence_limit, train
from deeprec.training.runs import make_learner
from deeprec.training.study import OUTCOME, finished_trials, open_study

log = logging.getLogger(__name__)

RANDOM_TRIALS = 10  # sampled at random, and never cut short
WARM_UP = 0.5  # of its epochs, which no trial is denied: a low learning rate may end well


def search_settings(
    run: Run, spaces: dict[str, Space], n_trials: int, seed: int, split: Path, device: torch.device, journal: Path
) -> pd.DataFrame:
    """Train `n_trials` variants of a run, each from the same seed, and return a row a trial.

    Columns: trial, the searched settings, valid_rmse (stars; the best before a trial was cut short), best_epoch,
    epochs, seconds, state (complete, pruned or diverged), commit. What is done lies in `journal`, from which a killed
    search goes on to the very same trials. Raises InputError where the journal is damaged, used or another search's.
    """
    matrix, valid = read_train(split, dated=run.settings.dated), read_part(split, "valid")
    parts = (split / f"{part}.parquet" for part in ("train", "valid"))
    identity = {"seed": seed, "digest of the ratings": digest(*parts)}
    identity |= {f"space of {name}": space for name, space in spaces.items()} | run.as_dict()
    pruner = optuna.pruners.MedianPruner(RANDOM_TRIALS, n_warmup_steps=int(WARM_UP * run.settings.epochs))
    with open_study(journal, identity, pruner) as study:
        while (n_done := len(finished_trials(study))) < n_trials:
            study.sampler = _sampler(seed, n_done)
            trial = study.ask(distributions_of(spaces))
            tried = settings_of(trial.params, spaces)
            outcome = _train(trial, _varied(run, tried).with_seed(seed), matrix, valid, device)
            log.info("%s trial %d: %s: %s", run.name, n_done, tried, _told(outcome))
            trial.set_user_attr(OUTCOME, outcome)
            if outcome["state"] == "complete":
                study.tell(trial, outcome["valid_rmse"])
            else:
                study.tell(trial, state=TrialState.PRUNED)
        return _table(finished_trials(study)[:n_trials], spaces)


def _sampler(seed: int, trial: int) -> optuna.samplers.TPESampler:
    # One of its own for each trial: a sampler that went on would have drawn less after a kill than without one.
    drawn = int(np.random.SeedSequence((seed, trial)).generate_state(1)[0])
    return optuna.samplers.TPESampler(
        n_startup_trials=RANDOM_TRIALS, multivariate=True, constant_liar=False, seed=drawn
    )


def _varied(run: Run, tried: dict[str, Any]) -> Run:
    try:
        return run.with_settings(**tried)
    except ValidationError as error:  # each value was checked alone, but not with the others
        raise InputError(f"search of run {run.name!r}: {tried}: {'; '.join(problems(error))}") from error


def _train(trial: optuna.Trial, run: Run, matrix: RatingMatrix, valid: Part, device: torch.device) -> dict[str, Any]:
    """Train one variant, perhaps not to its end, and return what came out."""
    learner, settings = make_learner(run, matrix, device), run.settings
    try:
        progress = train(
            learner,
            valid,
            settings.epochs,
            diverged_above=divergence_limit(matrix),
            patience=settings.patience,
            on_epoch=partial(_report, trial, settings),
        )
        state = "diverged" if progress.diverged else "complete"
    except _Pruned as pruned:
        progress, state = pruned.progress, "pruned"
    return {
        "valid_rmse": None if progress.diverged else progress.best_rmse,
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "seconds": progress.seconds,
        "state": state,
        "commit": commit(),
    }


def _told(outcome: dict[str, Any]) -> str:
    score = "" if outcome["valid_rmse"] is None else f", RMSE {outcome['valid_rmse']:.4f}"
    return f"{outcome['state']}{score}, {outcome['epochs']} epochs, {outcome['seconds']:.1f} s"


class _Pruned(Exception):
    """A training that is cut short, with what it had reached."""

    def __init__(self, progress: Progress):
        super().__init__("pruned")
        self.progress = progress


def _report(trial: optuna.Trial, settings: ModelSettings, progress: Progress) -> None:
    """Tell an epoch's validation RMSE to the study; raise _Pruned where half of the others were better by then."""
    if progress.diverged:  # NaN and infinity would stand in the medians
        return
    trial.report(progress.history[-1]["valid_rmse"], progress.epoch)
    # After the last epoch nothing is saved any more.
    if not progress.is_done(settings.epochs, settings.patience) and trial.should_prune():
        raise _Pruned(progress)


def _table(trials: list[optuna.trial.FrozenTrial], spaces: dict[str, Space]) -> pd.DataFrame:
    rows = []
    for number, trial in enumerate(trials):
        tried = labelled(settings_of(trial.params, spaces), spaces)
        rows.append({"trial": number, **tried, **trial.user_attrs[OUTCOME]})
    return pd.DataFrame(rows).astype({"valid_rmse": float})
