"""A rating that no output can reach is warned of, and none that one can."""

import pytest
import torch

from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.models.network import ACTIVATIONS
from deeprec.models.reach import reach
from deeprec.settings.autoencoder import AutoEncoderSettings
from tests.conftest import random_matrix


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("relu", 0, 1e6), ("relu6", 0, 6), ("selu", -1.7581, 1.0507e6), ("elu", -1, 1e6), ("swish", -0.2785, 1e6)],
)
def test_reach_is_the_activation_s(name: str, low: float, high: float) -> None:
    assert reach(ACTIVATIONS[name][0]) == pytest.approx((low, high), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "shift", "expected"),
    [
        ({}, 0, None),
        (
            {},
            -3,
            r"ratings run from -2 to 2, but the last activation, selu, gives -1.76 or more; last_activation: ident",
        ),
        ({"activation": "relu6"}, 5, "ratings run from 6 to 10, but the last activation, relu6, gives 0 to 6;"),
        ({"last_activation": "identity"}, -3, None),
        ({"activation": "tanh"}, -3, None),  # which leaves the last layer linear
        ({"activation": "tanh", "last_activation": "tanh"}, 0, "tanh, gives -1 to 1;"),
    ],
)
def test_ratings_out_of_reach_are_warned_of(
    settings: dict, shift: int, expected: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = random_matrix()
    matrix.values.add_(shift)
    matrix.values[:2] = torch.tensor([1, 5], dtype=torch.int8) + shift
    AutoEncoderLearner(AutoEncoderSettings(**settings), matrix, torch.device("cpu"))
    assert (expected in caplog.text) if expected else not caplog.records
