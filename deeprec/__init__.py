"""Reproduction of *Training Deep AutoEncoders for Collaborative Filtering* (Kuchaiev & Ginsburg, 2017).

`deeprec.load("results/DATASET/runs/RUN/seed_N")` returns a trained model to use (docs/use.md).
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Import `load` when it is asked for: it needs torch, which the driver's environment lacks."""
    if name == "load":
        return import_module("deeprec.serving.loading").load
    raise AttributeError(f"module 'deeprec' has no attribute {name!r}")
