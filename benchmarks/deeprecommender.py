"""The authors' training program, run from a user's clone of NVIDIA/DeepRecommender just as it is.

Three things stand in for what it asks of its surroundings: a logger that keeps what it is told (theirs needs
the TensorFlow of 2017), an export to ONNX that does nothing, and an order of the users that can be repeated.
One call a process, since the program reads its command line when it is imported.
"""

import contextlib
import io
import random
import sys
import time
import types
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any


def check_clone(clone: Path) -> None:
    """End the program where the authors' is not there."""
    if not (clone / "run.py").is_file():
        raise SystemExit(f"{clone / 'run.py'}: no such file; expected a clone of NVIDIA/DeepRecommender")


def shuffle(keys: list[Any]) -> None:
    """Bring users into the order in which the authors' program sees them here, the same in every epoch."""
    random.Random(0).shuffle(keys)


def train(clone: Path, options: dict[str, Any]) -> dict[str, list[float]]:
    """Train with options of its command line; return what it logs by tag, and `Evaluation_time`, seconds."""
    logged = defaultdict(list)

    class Logger:
        def __init__(self, folder: str):
            pass

        def scalar_summary(self, tag: str, value: float, step: int) -> None:
            logged[tag].append(float(value))

    sys.path.insert(0, str(clone))
    sys.modules["logger"] = types.ModuleType("logger")
    sys.modules["logger"].Logger = Logger
    sys.argv = ["run.py", *(f"--{name}={value}" for name, value in options.items())]
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import run

        def evaluate(*data: Any) -> float:
            start = time.perf_counter()
            rmse = do_eval(*data)
            logged["Evaluation_time"].append(time.perf_counter() - start)
            return rmse

        do_eval, run.do_eval = run.do_eval, evaluate
        run.input_layer.shuffle = shuffle
        run.torch.onnx.export = lambda *_, **__: None
        run.main()
    return dict(logged)


def read(clone: Path, folder: Path) -> Any:
    """Read training ratings as the program does."""
    sys.path.insert(0, str(clone))
    from reco_encoder.data.input_layer import UserItemRecDataProvider

    return UserItemRecDataProvider(
        {"data_dir": str(folder), "batch_size": 1, "major": "users", "itemIdInd": 1, "userIdInd": 0}
    )
