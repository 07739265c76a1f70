"""Where a step of the autoencoder at Netflix's size goes, by parts, beside what the processor is able to.

    python benchmarks/step_parts.py                        two threads, batches of 128 and 512 users
    python benchmarks/step_parts.py --run fast --precision bf16
    python benchmarks/step_parts.py --device cuda          on a GPU
    python benchmarks/step_parts.py --compiled             re-fed passes through torch's compiler

The parts are timed one by one, forward and backward. `floor` is the time that a part's operations would take at the
rate of one large product of matrices, or its bytes at that of a large array changed in place, both measured first; the
larger counts.
Simulated ratings of Netflix's density, as many items as Netflix's.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from plans import plan_of
from simulated import simulate
from torch import Tensor
from torch.utils.benchmark import Timer

from deeprec.config.run_settings import Run
from deeprec.data.matrix import RatingMatrix, rating_matrix
from deeprec.data.sparse import input_layer
from deeprec.data.world import Size
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.models.network import PRECISIONS
from deeprec.runtime.provenance import machine, versions
from deeprec.runtime.training_process import prepare_training
from deeprec.training.runs import choose_device, make_learner

N_USERS, N_ITEMS, RATINGS_A_USER = 8_000, 17_770, 209
SQUARE, LARGE = 2048, 1 << 28  # rows of the large product's matrices, bytes of the large array
FLOAT = 4  # bytes
MOVED = {"adam": 7, "sgd": 5}  # weights and moments read and written, and the gradient read, by an update


def seconds(function: Callable[[], object]) -> float:
    """Return the median time of a call."""
    names = {"function": function}
    timer = Timer("function()", globals=names, num_threads=torch.get_num_threads())
    return float(timer.blocked_autorange(min_run_time=1.0).median)


def peak(precision: str, device: torch.device) -> tuple[float, float]:
    """Return operations and bytes a second: of a product in a precision, and of an array that is read and written."""
    a = torch.randn(SQUARE, SQUARE, device=device).to(PRECISIONS[precision])
    large = torch.ones(LARGE // FLOAT, device=device)
    return 2 * SQUARE**3 / seconds(lambda: a @ a), 2 * LARGE / seconds(large.neg_)


def ratings() -> RatingMatrix:
    """Return the training set."""
    size = Size(N_USERS * RATINGS_A_USER, N_USERS, N_ITEMS, noise=0.8, seed=0)
    found = simulate(size, np.random.default_rng(0))
    columns = (found[name].to_numpy(copy=True) for name in ("user", "item", "rating"))
    return rating_matrix(*columns, N_USERS, N_ITEMS)


def both_ways(function: Callable[[], Tensor], *leaves: Tensor) -> Callable[[], object]:
    """Return a call that computes a tensor and its gradients by some others."""
    return lambda: torch.autograd.grad(y := function(), leaves, torch.ones_like(y))


def parts_of(learner: AutoEncoderLearner, rows: Tensor) -> dict[str, tuple[Callable[[], object], float, float]]:
    """Return each part of a step as a call, its operations and the bytes that it cannot but move."""
    model, x = learner.model, learner._input(learner._read(rows))
    first, *inner = zip(model.encode_w, model.encode_b, strict=True)
    n, width = len(x.values), model.encode_w[0].shape[1]
    h = model.activation(input_layer(x, *first)).detach().requires_grad_()

    def inside() -> Tensor:
        z = h
        for w, b in inner:
            z = model.activation(model._affine(z, w, b))
        return model.hidden(model.dropout(z))

    last = inside().detach().requires_grad_()
    matrices = [w for w in model.weight_matrices() if w.shape[0] != N_ITEMS]
    n_weights = sum(p.numel() for p in model.parameters())
    learner.step(rows)  # leaves gradients to update by
    return {
        "batch read": (lambda: learner._read(rows), 0, 0),
        "first layer, at ratings": (both_ways(lambda: input_layer(x, *first), *first), 4 * n * width, 0),
        "inner layers": (
            both_ways(inside, h, *matrices),
            6 * len(rows) * sum(w.numel() for w in matrices),
            0,
        ),
        "last layer, at ratings": (
            both_ways(lambda: model.output(last, at=x), last, *model.last_layer),
            6 * n * width,
            0,
        ),
        "optimizer": (learner.optimizer.step, 0, MOVED[learner.settings.optimizer] * FLOAT * n_weights),
    }


def fed_again(learner: AutoEncoderLearner, n_rows: int) -> float:
    """Return the operations of a re-fed pass, and of the dense f(x) that it is fed."""
    outer = learner.model.encode_w[0].numel()
    inner = sum(w.numel() for w in learner.model.weight_matrices()) - 2 * outer
    fed, first, last = 2 * outer, 4 * outer, 6 * outer  # the dense f(x); forward and by weights; all three ways
    return n_rows * (fed + first + last + 6 * inner)


def show(run: Run, matrix: RatingMatrix, n_rows: int, rate: tuple[float, float], device: torch.device) -> None:
    """Print a table of one run's step with so many users a batch."""
    settings = {"batch_size": n_rows, "refeed": 0}
    learner = make_learner(run.with_settings(**settings), matrix, device)
    assert isinstance(learner, AutoEncoderLearner)
    learner.model.train()
    rows = torch.randperm(N_USERS)[:n_rows]
    whole = seconds(lambda: learner.step(rows))
    found = [
        (name, seconds(call), max(operations / rate[0], moved / rate[1]))
        for name, (call, operations, moved) in parts_of(learner, rows).items()
    ]
    found.append(("all else", whole - sum(took for _, took, _ in found), 0.0))
    found.append(("**a step, not re-fed**", whole, sum(floor for *_, floor in found)))
    learner.settings = learner.settings.model_copy(update={"refeed": 1})
    update = next(floor for name, _, floor in found if name == "optimizer")
    again = fed_again(learner, n_rows) / rate[0] + update
    twice = seconds(lambda: learner.step(rows))
    found += [("a re-fed pass", twice - whole, again), ("**a step, re-fed once**", twice, found[-1][2] + again)]
    print(f"\n| {n_rows} users | ms | floor (ms) |\n|---|---|---|")
    for name, took, floor in found:
        print(f"| {name} | {1e3 * took:.1f} | {1e3 * floor:.1f} |", flush=True)


def main(args: argparse.Namespace) -> None:
    prepare_training()
    torch.set_num_threads(args.threads)
    device = choose_device(args.device)
    rate, matrix = peak(args.precision, device), ratings()
    kind = args.precision + (", compiled" if args.compiled else "")
    print(f"{machine()}, {versions('torch')}, {args.threads} threads, {device}, {kind}, {args.run}")
    print(f"A product: {rate[0] / 1e9:.0f} billion operations a second; in place: {rate[1] / 1e9:.1f} GB a second")
    run = plan_of("netflix").run(args.run).with_seed(0).with_settings(precision=args.precision, compiled=args.compiled)
    for n_rows in args.users:
        show(run, matrix, n_rows, rate, device)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="fast", help="an autoencoder of config.yaml")
    parser.add_argument("--precision", default="fp32", choices=sorted(PRECISIONS), help="of the inner products")
    parser.add_argument("--compiled", action="store_true", help="re-fed passes go through torch's compiler")
    parser.add_argument("--users", type=int, nargs="+", default=[128, 512], help="users a batch")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"], help="where to train")
    main(parser.parse_args())
