"""Re-fed passes through torch's compiler: the same numbers, and what is said where it fails."""

import shutil

import pytest
import torch

from deeprec.runtime.files import InputError
from tests.models.test_devices import CLOSE, CPU, learner, parameters


@pytest.fixture(autouse=True)
def _nothing_cached(monkeypatch, tmp_path):
    """What was compiled for other instructions (ATEN_CPU_CAPABILITY) lies in torch's cache, and does not fit."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request) -> torch.device:
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler")
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device(request.param)


def test_an_epoch_is_the_same(device):
    """Over three batches, the last one smaller."""
    dropout = 0.5 if device == CPU else 0.0  # a graph on a GPU may draw others
    plain, ours = (learner(device, compiled=kind, refeed=2, dropout=dropout) for kind in (False, True))
    losses = []
    for one in (plain, ours):
        torch.manual_seed(7)
        losses.append(one.train_epoch(1)[0])
    torch.testing.assert_close(torch.tensor(losses[1]), torch.tensor(losses[0]), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(parameters(ours), parameters(plain), **CLOSE)
    assert ours.weights().keys() == plain.weights().keys()


def test_what_is_not_re_fed_is_not_compiled(monkeypatch):
    monkeypatch.setattr("torch.compile", None)  # not to be called, not even asked for
    plain, ours = (learner(CPU, compiled=kind, dropout=0.5) for kind in (False, True))
    for one in (plain, ours):
        torch.manual_seed(7)
        one.train_epoch(1)
    assert torch.equal(parameters(ours), parameters(plain))


def test_a_compiler_that_fails_is_named(monkeypatch):
    def fails(graph, inputs):
        raise RuntimeError("no-such-compiler")

    compile_by = torch.compile
    monkeypatch.setattr("torch.compile", lambda model, **_: compile_by(model, backend=fails))
    with pytest.raises(InputError, match=r"compiled: .*no-such-compiler.*expected a C\+\+ compiler.*compiled: false"):
        learner(CPU, compiled=True, refeed=1).train_epoch(1)
