"""What test_parallel.py has two ranks do: `torchrun … tests/runtime/ranks.py FOLDER`, with a split in that folder."""

import sys
from dataclasses import asdict
from pathlib import Path

import torch

from deeprec.config.run_settings import Run, read_run
from deeprec.data.matrix import read_part, read_train
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.runtime import parallel
from deeprec.runtime.files import write_json
from deeprec.training.loop import Progress, train
from deeprec.training.runs import make_learner, train_run

CPU = torch.device("cpu")


def curve(progress: Progress) -> list[list[float]]:
    return [[row["train_rmse"], row["valid_rmse"]] for row in asdict(progress)["history"]]


def resume(folder: Path, settings: Run) -> dict:
    """Train four epochs at once, and two and two, each rank with masks of its own."""
    matrix, valid = read_train(folder / "split"), read_part(folder / "split", "valid")
    whole = train(make_learner(settings, matrix, CPU), valid, 4)
    first_masks = torch.rand(3)  # what a rank's generator gives next
    train(make_learner(settings, matrix, CPU), valid, 2, state_path=folder / "state.pt")
    parallel.wait_for_all()
    resumed = train(make_learner(settings.with_seed(99), matrix, CPU), valid, 4, state_path=folder / "state.pt")
    mine = [first_masks, *(w.sum() for w in whole.best_weights.values())]
    difference = parallel.total(torch.cat([x.ravel() for x in mine]) * (1 if parallel.is_first() else -1))
    return {"whole": curve(whole), "resumed": curve(resumed), "difference": difference.tolist()}


def fail_in_the_second_epoch(folder: Path, settings: Run) -> None:
    """Break one rank in the middle of a training; the other is waiting for its gradients."""
    step, calls = AutoEncoderLearner.step, []

    def broken(self, users):
        calls.append(users)
        if len(calls) == 5 and not parallel.is_first():
            raise RuntimeError("this rank breaks")
        return step(self, users)

    AutoEncoderLearner.step = broken
    options = {"state_path": folder / "broken" / "state.pt", "save_seconds": 1e9}
    train_run(settings, folder / "split", folder / "broken", device=CPU, on_epoch=lambda progress: None, **options)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    settings = read_run(folder / "settings.yaml")
    with parallel.joined(CPU):
        found = resume(folder, settings)
        if parallel.is_first():
            write_json(folder / "found.json", found)
        fail_in_the_second_epoch(folder, settings)
