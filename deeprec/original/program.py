"""The authors' program in this process, its files just as they are.

Small things stand in for what it asks of its surroundings: a logger that keeps what it is told (theirs needs the
TensorFlow of 2017), no norms of weights for that logger's pages, no export to ONNX, a schedule that counts epochs as
torch did then, and a save that keeps the best epoch's weights alone, where theirs are a file an epoch.
"""

import contextlib
import io
import math
import random
import sys
import time
import types
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from deeprec.original.options import words
from deeprec.runtime.files import InputError

Weights = dict[str, torch.Tensor]
RMSE_LINE, LAST = "RMSE:", ".last"
MODULES = ("run", "infer", "compute_RMSE", "logger", "reco_encoder")


class Schedule(torch.optim.lr_scheduler.MultiStepLR):
    """torch's, but for the program's first call of it: in 2017 that began the first epoch, today it would end it."""

    _calls = 0

    def step(self, epoch: int | None = None) -> None:
        """Begin the next epoch; the constructor's own call is the first, the one to leave out the second."""
        self._calls += 1
        if self._calls != 2:
            super().step()


def check_source(source: Path) -> None:
    """Raise InputError where the authors' program is not there."""
    if not (source / "run.py").is_file():
        raise InputError(f"{source / 'run.py'}: no such file; expected a clone of NVIDIA/DeepRecommender")


def train(
    source: Path,
    options: dict[str, Any],
    *,
    seed: int | None = None,
    best: Path | None = None,
    on_epoch: Callable[[int], object] = lambda epoch: None,
    shuffle: Callable[[list[Any]], None] | None = None,
) -> dict[str, list[float]]:
    """Train with options of its command line; return what it logs by tag, and `Evaluation_time`, seconds.

    `best` is where the weights of the best evaluated epoch go. `shuffle` stands in for the order in which users come,
    which otherwise follows from the seed, as the weights do.
    """
    check_source(source)
    logged: dict[str, list[float]] = defaultdict(list)

    class Logger:
        def __init__(self, folder: str):
            pass

        def scalar_summary(self, tag: str, value: float, step: int) -> None:
            logged[tag].append(float(value))
            if tag == "Epoch_time":
                on_epoch(step + 1)

    def save(weights: Weights, path: str) -> None:
        if path.endswith(LAST):  # once more, after the last epoch
            return
        scores = logged["EVALUATION_RMSE"]
        if best is not None and math.isfinite(scores[-1]) and scores[-1] <= min(scores):
            torch_save(weights, best)

    with _at_home(source, "run.py", options), TemporaryDirectory() as logs:
        sys.modules["logger"] = types.ModuleType("logger")
        sys.modules["logger"].Logger = Logger  # type: ignore[attr-defined]
        if "logdir" not in options:
            sys.argv.append(f"--logdir={logs}")
        run: Any = import_module("run")

        do_eval, torch_save, export = run.do_eval, torch.save, torch.onnx.export

        def evaluate(*data: Any) -> float:
            start = time.perf_counter()
            rmse: float = do_eval(*data)
            logged["Evaluation_time"].append(time.perf_counter() - start)
            return rmse

        run.do_eval, run.MultiStepLR = evaluate, Schedule
        run.log_var_and_grad_summaries = lambda *_, **__: None
        if shuffle:
            run.input_layer.shuffle = shuffle
        if seed is not None:
            torch.manual_seed(seed)
            random.seed(seed)
        torch.save, torch.onnx.export = save, lambda *_, **__: None  # type: ignore[assignment]
        try:
            run.main()
        finally:
            torch.save, torch.onnx.export = torch_save, export
    return dict(logged)


def evaluate(source: Path, options: dict[str, Any], predictions: Path) -> float:
    """Let their `infer.py` predict and their `compute_RMSE.py` score; return the RMSE, stars."""
    with _at_home(source, "infer.py", {**options, "predictions_path": predictions}):
        import_module("infer").main()
    with _at_home(source, "compute_RMSE.py", {"path_to_predictions": predictions}) as told:
        import_module("compute_RMSE").main()
    line = next(line for line in told.getvalue().splitlines() if line.startswith(RMSE_LINE))
    return float(line.removeprefix(RMSE_LINE))


def read(source: Path, folder: Path) -> Any:
    """Read training ratings as the program does."""
    sys.path.insert(0, str(source))
    return import_module("reco_encoder.data.input_layer").UserItemRecDataProvider(
        {"data_dir": str(folder), "batch_size": 1, "major": "users", "itemIdInd": 1, "userIdInd": 0}
    )


@contextlib.contextmanager
def _at_home(source: Path, program: str, options: dict[str, Any]) -> Iterator[io.StringIO]:
    """Let their modules be found and their command line be read; yield what they print, which is much.

    Their modules are forgotten afterwards, since they read the command line when they are imported.
    """
    arguments, told = sys.argv, io.StringIO()
    sys.path.insert(0, str(source))
    sys.argv = [program, *words(options)]
    try:
        with contextlib.redirect_stdout(told), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that torch has renamed since
            yield told
    finally:
        sys.argv = arguments
        sys.path.remove(str(source))
        for name in [name for name in sys.modules if name.partition(".")[0] in MODULES]:
            del sys.modules[name]
