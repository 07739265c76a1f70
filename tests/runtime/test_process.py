"""Process-wide switches: what each does, and that no import turns one on."""

import copy
import gc
import platform
import subprocess
import sys

import pytest
import torch

from deeprec.runtime import process, training_process
from deeprec.runtime.files import ROOT

KINDS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "fused": True},
    "Adam": {"lr": 0.1, "weight_decay": 0.01, "fused": True},
    "Adam, as RRN": {"lr": 0.1, "weight_decay": 0.01},
}


def train(name: str, steps: int, state: dict | None = None) -> tuple[torch.Tensor, dict]:
    w = torch.nn.Parameter(torch.linspace(-1, 1, 7))
    optimizer = getattr(torch.optim, name.split(",")[0])([w], **KINDS[name])
    if state is not None:
        optimizer.load_state_dict(copy.deepcopy(state))
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        (w.sin() * w).sum().backward()
        optimizer.step()
    return w.detach(), optimizer.state_dict()


@pytest.fixture
def unwrapped(monkeypatch):
    """torch's optimizers, unwrapped for one test."""
    for kind in (torch.optim.Optimizer, torch.optim.SGD, torch.optim.Adam):
        for name in training_process.WRAPPED:
            if name in vars(kind):
                monkeypatch.setattr(kind, name, vars(kind)[name])  # to be put back
    return training_process.unwrap_optimizers


@pytest.mark.parametrize("name", KINDS)
def test_steps_and_states_are_those_of_torch(name, unwrapped):
    theirs, state = train(name, 5)
    resumed, _ = train(name, 3, state)
    unwrapped()
    ours, our_state = train(name, 5)
    assert torch.equal(ours, theirs)
    for a, b in zip(our_state["state"][0].values(), state["state"][0].values(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(train(name, 3, state)[0], resumed)


@pytest.mark.parametrize("name", KINDS)
def test_the_compiler_is_not_imported(name, unwrapped, monkeypatch):
    unwrapped()
    unwrapped()  # a second time changes nothing
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it fails
    train(name, 2, train(name, 1)[1])


LOOP = """
import resource, sys
from deeprec.runtime.training_process import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    bytearray(64 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_large_blocks_are_faulted_in_once():
    keep, leave = (int(python(LOOP, mode)) for mode in ("keep", "leave"))
    assert 0 < keep < 0.2 * leave


def test_garbage_collection_pauses_and_goes_on():
    process.pause_garbage_collection()
    assert not gc.isenabled()
    gc.unfreeze()
    process.end_garbage_pause()
    assert gc.isenabled() and gc.get_freeze_count() > 0  # what was imported is not looked through
    gc.unfreeze()


IMPORT_ALL = """
import gc, inspect, importlib, pkgutil, warnings
import torch, deeprec
before = warnings.filters[:], torch.optim.Adam.step, torch.optim.Optimizer.zero_grad
for module in pkgutil.walk_packages(deeprec.__path__, "deeprec."):
    importlib.import_module(module.name)
ours = [entry for entry in warnings.filters if entry not in before[0] and "CSR" in str(entry)]
print(gc.isenabled(), torch.optim.Adam.step is before[1], torch.optim.Optimizer.zero_grad is before[2], ours)
"""


def test_no_import_switches_anything():
    assert python(IMPORT_ALL) == "True True True []"


def test_a_training_never_hears_that_csr_is_in_beta():
    code = "import warnings, torch; warnings.simplefilter('error'); i = torch.tensor([0, 0]); "
    code += "from deeprec.runtime.training_process import prepare_training; prepare_training(); "
    code += "columns, values = torch.tensor([], dtype=torch.long), torch.tensor([]); "
    code += "torch.sparse_csr_tensor(i, columns, values, (1, 1), check_invariants=False); print('quiet')"
    assert python(code) == "quiet"
