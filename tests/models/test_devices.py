"""The same training on the CPU and on CUDA, and a step that never makes the CPU wait for a GPU.

What compares devices runs on the CPU as well, so that without a GPU at hand the test itself is tested.
"""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from deeprec.data.matrix import Part
from deeprec.models import autoencoder
from deeprec.models.autoencoder import AutoEncoderLearner, AutoEncoderSettings
from deeprec.models.autorec import AutoRecLearner, AutoRecSettings
from deeprec.training.loop import train
from tests.conftest import random_matrix

CPU, META = torch.device("cpu"), torch.device("meta")
MATRIX = random_matrix(70, 40)
CLOSE = {"rtol": 1e-3, "atol": 1e-4}  # sums in another order


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request) -> torch.device:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device(request.param)


@pytest.fixture(autouse=True)
def _imitated(monkeypatch):
    """In bf16 whatever the processor."""
    monkeypatch.setattr(autoencoder, "computes_bf16", lambda device: True)


def learner(device: torch.device, **changes) -> AutoEncoderLearner:
    settings = {"hidden": [24, 16], "lr": 0.01, "batch_size": 32, **changes}
    torch.manual_seed(5)
    return AutoEncoderLearner(AutoEncoderSettings(**settings), MATRIX, device)


def pairs(n: int = 300) -> Part:
    rng = np.random.default_rng(1)
    user, item = (rng.integers(0, size, n).astype(np.int32) for size in (MATRIX.n_rows, MATRIX.n_columns))
    return Part(user, item, rng.integers(1, 6, n).astype(np.int8))


def parameters(ours: AutoEncoderLearner) -> Tensor:
    return torch.cat([w.detach().cpu().ravel() for w in ours.model.parameters()])


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("refeed", [0, 1])
def test_a_step_is_the_same(device, refeed, constrained):
    ours, theirs = (learner(d, refeed=refeed, constrained=constrained) for d in (CPU, device))
    start = parameters(ours)
    torch.testing.assert_close(parameters(theirs), start, rtol=0, atol=0)
    for one in (ours, theirs):
        one.model.train()
    users = torch.tensor([5, 0, 69, 12])
    (error, count), (their_error, their_count) = (one.step(users) for one in (ours, theirs))
    assert their_error.device.type == device.type and their_count == count
    torch.testing.assert_close(their_error.cpu(), error, **CLOSE)
    torch.testing.assert_close(parameters(theirs) - start, parameters(ours) - start, rtol=1e-2, atol=1e-6)
    assert (parameters(ours) - start).abs().max() > 1e-3


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_an_epoch_and_its_predictions_are_the_same(device, optimizer):
    ours, theirs = (learner(d, refeed=1, optimizer=optimizer, lr=0.003) for d in (CPU, device))
    torch.manual_seed(6)
    errors, counts = ours.train_epoch(1)
    torch.manual_seed(6)
    their_errors, their_counts = theirs.train_epoch(1)
    np.testing.assert_array_equal(their_counts, counts)
    np.testing.assert_allclose(their_errors, errors, **CLOSE)
    np.testing.assert_allclose(theirs.predict(pairs()), ours.predict(pairs()), **CLOSE)


def test_bf16_is_near_fp32_on_the_cpu(device):
    ours, theirs = learner(CPU, refeed=1), learner(device, refeed=1, precision="bf16")
    for one in (ours, theirs):
        torch.manual_seed(6)
        for epoch in range(1, 6):
            one.train_epoch(epoch)
    difference = theirs.predict(pairs()) - ours.predict(pairs())
    assert 0 < np.abs(difference).max() < 0.2


@pytest.mark.parametrize("resume_on", ["device", "cpu"])
def test_training_goes_on_from_a_state(device, tmp_path, resume_on):
    changes = {"dropout": 0.5, "refeed": 1}
    whole = train(learner(device, **changes), pairs(), 4)
    state = tmp_path / "state.pt"
    train(learner(device, **changes), pairs(), 2, state_path=state)
    torch.manual_seed(99)
    resumed = train(learner(device if resume_on == "device" else CPU, **changes), pairs(), 4, state_path=state)
    same_masks = resume_on == "device" or device == CPU  # a generator's state is of no use on another device
    for row, expected in zip(resumed.history, whole.history, strict=True):
        assert row["valid_rmse"] == pytest.approx(expected["valid_rmse"], rel=1e-4 if same_masks else 0.2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("changes", [{}, {"refeed": 1, "dropout": 0.8, "input_noise": 0.1}, {"precision": "bf16"}])
def test_a_step_on_cuda_never_waits_for_the_gpu(changes):
    ours = learner(torch.device("cuda"), **changes)
    ours.train_epoch(1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for users in ours._batches():
            ours.step(users)
    finally:
        torch.cuda.set_sync_debug_mode("default")


class NoWait(TorchDispatchMode):
    """Refuses what would stop the CPU until a GPU is idle; tensors on `meta` stand for a GPU's.

    They have no values, so that every read of one raises by itself: item(), nonzero(), a size that depends on
    values. Left to refuse are copies to the device that block; torch.tensor(…, device=…) goes unnoticed.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        found = func(*args, **kwargs)
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            source = args[-1] if func is torch.ops.aten._to_copy.default else args[1]
            assert source.device == found.device or kwargs.get("non_blocking"), "a copy that blocks"
        return found


def on_meta(ours: AutoEncoderLearner, monkeypatch) -> AutoEncoderLearner:
    # Of all that a step calls, this one product has no stand-in on `meta`.
    monkeypatch.setattr(torch.sparse, "sampled_addmm", lambda pattern, h, w: pattern)
    offsets = ours.matrix.offsets
    ours.device, ours.matrix = META, ours.matrix.to(META)
    ours.matrix.__dict__["_host_offsets"] = offsets  # read from the device once
    ours.model.to(META).train()
    return ours


@pytest.mark.parametrize("changes", [{}, {"refeed": 1, "dropout": 0.8, "input_noise": 0.1}, {"precision": "bf16"}])
def test_a_step_never_waits_for_the_gpu(monkeypatch, changes):
    ours = on_meta(learner(CPU, **changes), monkeypatch)
    with NoWait():
        errors, counts = zip(*(ours.step(users) for users in ours._batches()), strict=True)
    assert all(error.device == META for error in errors) and sum(counts) == MATRIX.n_ratings


def test_a_step_of_autorec_never_waits_for_the_gpu(monkeypatch):
    ours = on_meta(AutoRecLearner(AutoRecSettings(), MATRIX, CPU), monkeypatch)
    with NoWait():
        for rows in ours._batches():
            ours.step(rows)


def test_waiting_would_be_noticed(monkeypatch):
    ours = on_meta(learner(CPU), monkeypatch)
    x = ours.matrix.rows(torch.arange(9))
    waits = {
        "item.. cannot be called on meta": lambda: x.values.sum().item(),
        "aten::bincount": lambda: torch.bincount(x.at.columns, minlength=40),
        "without output_size": lambda: torch.repeat_interleave(x.at.offsets.diff()),
        "a copy that blocks": lambda: torch.arange(3).to(META),
    }
    for message, wait in waits.items():
        with pytest.raises((RuntimeError, AssertionError), match=message), NoWait():
            wait()
