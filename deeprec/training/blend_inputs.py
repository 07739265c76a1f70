"""The runs behind a blend: what their folders predict, and what is known of the pairs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deeprec.config.run_settings import Run, read_run
from deeprec.data.matrix import Part, RatingMatrix
from deeprec.models.blend import rating_counts
from deeprec.models.stacking import blended, known_of
from deeprec.runtime.files import InputError, read_json, reading
from deeprec.runtime.torch_files import read_torch
from deeprec.settings.blend import BlendSettings

FILES = {"valid": "valid_predictions.parquet", "test": "predictions.parquet"}
COLUMNS = ["user", "item", "rating", "prediction"]
LARGEST = ("peak_memory_bytes", "added_memory_bytes", "peak_gpu_memory_bytes")  # metrics that the largest input sets
SHARED = ("n_users", "n_items", "n_train", "device")  # those that all inputs have in common


@dataclass(frozen=True)
class Input:
    """A run behind a blend: its folders, one a seed."""

    name: str
    folders: list[Path]

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Each seed's metrics."""
        return [read_json(folder / "metrics.json", "status", "seconds", *SHARED, *LARGEST) for folder in self.folders]

    @property
    def diverged(self) -> bool:
        """Whether a seed diverged."""
        return any(metrics["status"] == "diverged" for metrics in self.metrics)

    def part(self, name: str) -> Part:
        """Return the ratings that were predicted, `valid`'s or `test`'s."""
        table = _read(self.folders[0] / FILES[name])
        # Copies, since pandas' own arrays cannot be written to, of which torch warns.
        return Part(*(table[column].to_numpy(copy=True) for column in ("user", "item", "rating")))

    def predictions(self, name: str) -> np.ndarray:
        """Return the mean of the seeds' predictions, (n,) stars, float64."""
        found = [_read(folder / FILES[name])["prediction"] for folder in self.folders]
        return np.asarray(np.mean(found, 0, np.float64))

    def checkpoints(self) -> list[dict[str, Any]]:
        """Return each seed's checkpoint."""
        return [read_torch(folder / "checkpoint.pt") for folder in self.folders]


@dataclass(frozen=True)
class Predicted:
    """Pairs as the inputs predict them: `base` (n,) and `members` (n_members, n), stars, float64."""

    base: Tensor
    members: Tensor
    known: tuple[Tensor, Tensor, Tensor]  # what weights may follow (known_of), (n,) each

    def at(self, which: Tensor) -> "Predicted":
        """Return the pairs where `which` (n,) says so."""
        one, other, b = (values[which] for values in self.known)
        return Predicted(self.base[which], self.members[:, which], (one, other, b))

    def blended(self, kept: dict[str, Any]) -> np.ndarray:
        """Return the blend, (n,) float32."""
        return np.asarray(blended(self.base, list(self.members), kept, self.known).float())


def _read(path: Path) -> pd.DataFrame:
    with reading(path, "a run's predictions: " + ", ".join(COLUMNS)):
        return pd.read_parquet(path, columns=COLUMNS)


def read_input(run: Run, folder: Path, settings: BlendSettings) -> Input:
    """Return a member; raise InputError where it is of another data set or split than the blend."""
    assert run.seed is not None, "make_learner() asks for one"
    found = Input(folder.name, [folder / f"seed_{seed}" for seed in settings.seeds_of(run.seed)])
    for path in found.folders:
        member = read_run(path / "settings.yaml")
        theirs, ours = ((r.dataset, r.split, r.split_definition) for r in (member, run))
        if theirs != ours:
            raise InputError(
                f"{path}: found a run on {member.dataset}, split {member.split}; expected the blend's "
                f"{run.dataset}, {run.split}, in the same definition"
            )
    return found


def predicted_by(train: RatingMatrix, base: Input, members: list[Input], name: str, part: Part) -> Predicted:
    """Return a part's pairs, `valid`'s or `test`'s, as the inputs predict them."""
    n_user, n_item = (n[side] for n, side in zip(rating_counts(train), (part.user, part.item), strict=True))
    b = torch.from_numpy(base.predictions(name))
    theirs = torch.from_numpy(np.array([member.predictions(name) for member in members]))
    return Predicted(b, theirs, known_of(b, n_user, n_item))
