"""An optimizer's penalty, where nothing else moves a weight: known answers."""

import pytest
import torch

from deeprec.models.optimizers import make_optimizer
from deeprec.settings.autoencoder import AutoEncoderSettings


@pytest.mark.parametrize(
    ("optimizer", "penalty", "expected"),
    [
        ("sgd", {}, [2.0, -1.0, 0.0]),
        ("sgd", {"weight_decay": 0.5}, [1.9, -0.95, 0.0]),  # less lr × penalty × weight
        ("adam", {}, [2.0, -1.0, 0.0]),
        ("adam", {"weight_decay": 0.5}, [1.9, -0.9, 0.0]),  # a first step of lr, whatever the gradient's size
    ],
)
def test_the_penalty_alone_pulls_a_weight_without_gradient(optimizer, penalty, expected):
    w = torch.tensor([2.0, -1.0, 0.0], requires_grad=True)
    w.grad = torch.zeros(3)
    make_optimizer([w], AutoEncoderSettings(optimizer=optimizer, lr=0.1), **penalty).step()
    torch.testing.assert_close(w.detach(), torch.tensor(expected), rtol=0, atol=1e-6)
