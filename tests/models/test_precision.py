"""Training in bfloat16: close to float32, and never on weights of before an update."""

import pytest
import torch
import torch.nn.functional as F

from deeprec.models import autoencoder
from deeprec.models.autoencoder import AutoEncoderLearner, AutoEncoderSettings
from deeprec.models.network import computes_bf16
from tests.conftest import random_matrix

MATRIX = random_matrix(64, 40)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _imitated(monkeypatch):
    """In bf16 whatever the processor."""
    monkeypatch.setattr(autoencoder, "computes_bf16", lambda device: True)


def learner(**changes) -> AutoEncoderLearner:
    settings = {"hidden": [24, 16], "refeed": 1, "lr": 0.01, **changes}
    torch.manual_seed(0)
    return AutoEncoderLearner(AutoEncoderSettings(**settings), MATRIX, CPU)


def weights_after_a_step(ours: AutoEncoderLearner) -> torch.Tensor:
    ours.model.train()
    ours.step(torch.arange(64))
    return torch.cat([w.detach().ravel() for w in ours.model.parameters()])


def stale_step(**changes) -> torch.Tensor:
    """What a cache of rounded weights would do: both passes' gradients are taken at the same weights."""
    ours = learner(**changes)
    x = MATRIX.rows(torch.arange(64))
    fed = ours.model(x).detach()
    parameters = list(ours.model.parameters())
    first = torch.autograd.grad((ours.model(x, at=x) - x.values).square().mean(), parameters)
    second = torch.autograd.grad(F.mse_loss(ours.model(fed), fed), parameters)
    for gradients in (first, second):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        ours.optimizer.step()
    return torch.cat([w.detach().ravel() for w in parameters])


def test_refeeding_sees_the_updated_weights():
    changes = {"lr": 0.05}
    exact = weights_after_a_step(learner(**changes))
    rounded = weights_after_a_step(learner(precision="bf16", **changes))
    stale = stale_step(precision="bf16", **changes)
    assert (rounded - exact).norm() < 0.2 * (stale - exact).norm()


@pytest.mark.parametrize("constrained", [False, True])
def test_bf16_learns_like_fp32(constrained):
    curves = []
    for precision in ("fp32", "bf16"):
        ours = learner(precision=precision, constrained=constrained, lr=0.005)
        for epoch in range(40):
            errors, counts = ours.train_epoch(epoch + 1)
        curves.append((errors.sum() / counts.sum()) ** 0.5)
        assert all(w.dtype == torch.float32 for w in ours.model.parameters())
    assert curves[0] < 1.4
    assert curves[1] == pytest.approx(curves[0], rel=0.02)
    assert curves[1] != curves[0]


def test_evaluation_is_in_full_precision():
    ours, full = (learner(precision=precision).model.eval() for precision in ("bf16", "fp32"))
    x = torch.randn(5, 40)
    assert torch.equal(ours(x), full(x))


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
        ({}, False),
    ],
)
def test_a_processor_computes_in_bf16_where_it_says_so(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert computes_bf16(CPU) is expected


def test_what_does_not_compute_in_bf16_trains_in_fp32_and_says_so_once(monkeypatch, caplog):
    exact = weights_after_a_step(learner())
    monkeypatch.setattr(autoencoder, "computes_bf16", lambda device: False)
    ours = learner(precision="bf16")
    assert torch.equal(weights_after_a_step(ours), exact)
    assert not caplog.text  # who only uses the model need not know
    for epoch in (1, 2):
        ours.train_epoch(epoch)
    assert caplog.text.count("which this processor can only imitate; it computes in fp32 instead") == 1
