"""Our settings in the words of the authors' command line."""

from collections.abc import Iterator
from typing import Any

from deeprec.config.run_settings import Run
from deeprec.runtime.files import InputError
from deeprec.settings.autoencoder import AutoEncoderSettings

# What their program does without asking, and what is ours alone: a run that differs is none of theirs.
FIXED: dict[str, Any] = {
    "optimizer": "sgd",
    "momentum": 0.9,
    "lr_milestones": [24, 36, 48, 66, 72],
    "lr_decay": 0.5,
    "rows": "users",
    "center": "none",
    "input_offset": 0.0,
    "input_noise": 0.0,
    "l2": 0.0,
    "output_start": "random",
    "output_scale": 1.0,
    "ema_epochs": 0.0,
    "clip": False,
    "precision": "fp32",
    "patience": 0,
    "last_activation": "same",
}
TOLERANCE = 1e-7  # relative, of a loss in both programs (same_steps.py); predictions are kept in fp32, to 6e-8
LINEAR_LAST = ("sigmoid", "tanh")  # leave the output layer linear where `last_activation` is `same`


def options_of(run: Run) -> dict[str, Any]:
    """Return the options of their `run.py` for a run of ours, by name; a flag's value is True.

    Raises InputError naming each setting that their program has no option for.
    """
    settings = run.settings_as(AutoEncoderSettings)
    if beyond := list(_beyond(settings)):
        raise InputError(f"run {run.name!r}: the authors' program cannot train it: {'; '.join(beyond)}")
    options = {
        "hidden_layers": ",".join(map(str, settings.hidden)),
        "non_linearity_type": settings.activation,
        "drop_prob": settings.dropout,
        "noise_prob": settings.refeed_noise,
        "aug_step": settings.refeed or -1,
        "lr": settings.lr,
        "weight_decay": settings.weight_decay,
        "batch_size": settings.batch_size,
        "num_epochs": settings.epochs,
        "constrained": settings.constrained,
        "skip_last_layer_nl": settings.activation in LINEAR_LAST,
    }
    return {name: value for name, value in options.items() if value is not False}


def check_size(run: Run, n_users: int) -> None:
    """Raise InputError where their program would train on nothing: it leaves out an epoch's last batch, full or not."""
    batch_size = run.settings_as(AutoEncoderSettings).batch_size
    if n_users <= batch_size:
        raise InputError(
            f"run {run.name!r}: found {n_users} users and batches of {batch_size}; expected more users than that, "
            "since the authors' program leaves out an epoch's last batch"
        )


def _beyond(settings: AutoEncoderSettings) -> Iterator[str]:
    for name, expected in FIXED.items():
        if (found := getattr(settings, name)) != expected:
            yield f"{name}: found {found!r}; expected {expected!r}"


def words(options: dict[str, Any]) -> list[str]:
    """Return options as a command line has them."""
    return [f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items()]
