"""Validation RMSE in fp32 and in bf16, and of the dense plain reference of the tests, over seeds.

    python benchmarks/compare_precisions.py --split results/movielens-100k/splits/last30
    python benchmarks/compare_precisions.py --split … --reference 5      … and the reference, for 5 epochs

Each seed's weights and batches are the same in both precisions, so that they differ by rounding alone; a seed's
dropout, too. The reference (NumPy, float64, whole rating vectors) starts from the same weights and sees the same
batches, without dropout, of which it has none; ours is then trained so as well.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plans import plan_of

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, read_part, read_train
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.runtime.files import ROOT
from deeprec.runtime.provenance import machine, versions
from deeprec.runtime.training_process import prepare_training
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.training.loop import rmse, train
from deeprec.training.runs import make_learner

sys.path.insert(0, str(ROOT))
from tests.models.reference import Reference, train_step

PRECISIONS = ("fp32", "bf16")


def train_ours(run: Run, split: Path, valid: Part) -> float:
    """Train from a seed and return the lowest validation RMSE of an epoch, stars."""
    return train(make_learner(run, read_train(split), torch.device("cpu")), valid, run.settings.epochs).best_rmse


def train_reference(run: Run, split: Path, valid: Part) -> float:
    """Train the plain reference from the same weights on the same batches; return the same."""
    settings, ours = run.settings_as(AutoEncoderSettings), make_learner(run, read_train(split), torch.device("cpu"))
    model = reference_of(ours)
    velocity = [np.zeros_like(w) for w in model.parameters]
    x = ours.matrix.rows(torch.arange(ours.matrix.n_rows)).dense().double().numpy()
    best = np.inf
    for epoch in range(1, settings.epochs + 1):
        order = torch.randperm(len(x)).numpy()
        for start in range(0, len(order), settings.batch_size):
            batch = x[order[start : start + settings.batch_size]]
            train_step(model, velocity, batch, ours.lr(epoch), settings.momentum, settings.refeed)
        best = min(best, rmse(model.forward(x)[valid.user, valid.item], valid.rating))
    return best


def reference_of(learner: AutoEncoderLearner) -> Reference:
    """Return the reference with a learner's weights."""
    model = learner.model
    parts = (model.encode_w, model.encode_b, model.decode_w, model.decode_b)
    copies = [None if part is None else [w.detach().double().numpy() for w in part] for part in parts]
    return Reference(*copies, learner.settings.activation)


def show(name: str, columns: dict[str, list[float]]) -> None:
    """Print a row: mean ± deviation of each column, and of the seeds' differences from the first column."""
    first, *others = columns.values()
    cells = [in_words(first)]
    for values in others:
        cells += [in_words(values), in_words(np.subtract(values, first), sign="+")]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def in_words(values: Any, sign: str = "") -> str:
    """Return mean ± standard deviation over seeds (of a sample)."""
    deviation = np.std(values, ddof=1) if len(values) > 1 else np.nan
    return f"{np.mean(values):{sign}.4f} ± {deviation:.4f}"


def precisions(run: Run, args: argparse.Namespace, valid: Part) -> dict[str, list[float]]:
    """Return the RMSE of a run in each precision, a seed each."""
    return {
        precision: [
            train_ours(run.with_seed(seed).with_settings(precision=precision), args.split, valid) for seed in args.seeds
        ]
        for precision in PRECISIONS
    }


def main(args: argparse.Namespace) -> None:
    prepare_training()
    torch.set_num_threads(args.threads)
    plan, valid = plan_of(), read_part(args.split, "valid")
    print(f"{args.split}, {len(args.seeds)} seeds; {machine()}, {versions('torch')}")
    print("| run | fp32 | bf16 | bf16 - fp32, a seed |\n|---|---|---|---|")
    for name in args.runs:
        show(name, precisions(plan.run(name), args, valid))
    if args.reference:
        print(f"\n{args.reference} epochs without dropout\n")
        print("| run | reference | fp32 | fp32 - reference | bf16 | bf16 - reference |\n|---|---|---|---|---|---|")
    for name in args.runs if args.reference else []:
        run = plan.run(name).with_settings(dropout=0.0, epochs=args.reference)
        reference = [train_reference(run.with_seed(seed), args.split, valid) for seed in args.seeds]
        show(name, {"reference": reference, **precisions(run, args, valid)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", required=True, type=Path, help="folder of a split")
    parser.add_argument(
        "--runs", nargs="+", default=["refeed_high_lr", "depth_4", "depth_12"], help="runs of config.yaml's data set"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds")
    parser.add_argument("--reference", type=int, default=0, help="epochs of the reference; none where 0")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    main(parser.parse_args())
