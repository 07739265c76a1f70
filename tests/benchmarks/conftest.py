"""How tests get hold of a benchmark, which is a script."""

import importlib

import pytest

from deeprec.runtime.files import ROOT


@pytest.fixture
def benchmark(monkeypatch):
    """Import a benchmark by its name."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module
