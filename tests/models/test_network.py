"""The autoencoder against NumPy: forward pass, loss, every gradient, 20 steps of training."""

import numpy as np
import pytest
import torch

from deeprec.models.autoencoder import MEANS_L2, AutoEncoderLearner, AutoEncoderSettings
from deeprec.models.network import ACTIVATIONS, AutoEncoder
from tests.conftest import all_rows, random_matrix
from tests.models.reference import Reference, train_step

KINDS = [kind for kind in ACTIVATIONS if kind != "identity"]


def network(n_columns: int, **settings) -> AutoEncoder:
    return AutoEncoder(n_columns, AutoEncoderSettings(**settings))


def reference_of(model: AutoEncoder, kind: str) -> Reference:
    """A NumPy twin with the same weights."""
    as_numpy = [[w.detach().double().numpy() for w in group or []] for group in
                (model.encode_w, model.encode_b, model.decode_w, model.decode_b)]  # fmt: skip
    return Reference(as_numpy[0], as_numpy[1], as_numpy[2] or None, as_numpy[3], kind)


def parameters_of(model: AutoEncoder) -> list[torch.Tensor]:
    """The weights in the reference's order."""
    return [*model.encode_w, *model.encode_b, *model.decode_b, *(model.decode_w or [])]


def assert_close(ours: torch.Tensor, theirs: np.ndarray, tolerance: float = 1e-5) -> None:
    ours = ours.detach().double().numpy()
    assert np.abs(ours - theirs).max() <= tolerance * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_forward_loss_and_gradients_equal_numpy(kind, constrained):
    torch.manual_seed(1)
    matrix = random_matrix()
    model = network(matrix.n_columns, hidden=[9, 7, 5], activation=kind, constrained=constrained)
    for bias in [*model.encode_b, *model.decode_b]:
        torch.nn.init.normal_(bias, std=0.3)
    twin, x = reference_of(model, kind), all_rows(matrix).double().numpy()
    batch = matrix.rows(torch.arange(matrix.n_rows))
    assert_close(model(all_rows(matrix)), twin.forward(x))
    loss = (model(batch, at=batch) - batch.values).square().mean()
    loss.backward()
    expected_loss, expected = twin.gradients(x, x, x != 0)
    assert loss.item() == pytest.approx(expected_loss, rel=1e-5)
    for parameter, gradient in zip(parameters_of(model), expected, strict=True):
        assert_close(parameter.grad, gradient)


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("refeed", [0, 1, 2])
def test_twenty_steps_of_momentum_equal_numpy(constrained, refeed):
    settings = AutoEncoderSettings(
        **{
            "hidden": [9, 6],
            "constrained": constrained,
            "refeed": refeed,
            "lr": 0.02,
            "momentum": 0.9,
        }
    )
    torch.manual_seed(2)
    matrix = random_matrix()
    learner = AutoEncoderLearner(settings, matrix, torch.device("cpu"))
    twin = reference_of(learner.model, "selu")
    velocity = [np.zeros_like(w) for w in twin.parameters]
    for step in range(20):
        users = torch.arange(step % 3, matrix.n_rows, 3)
        error, count = learner.step(users)
        loss = train_step(twin, velocity, matrix.rows(users).dense().double().numpy(), 0.02, 0.9, refeed)
        assert (error / count).item() == pytest.approx(loss, rel=5e-5)  # rounding grows with every step
    for parameter, expected in zip(parameters_of(learner.model), twin.parameters, strict=True):
        assert_close(parameter, expected, 5e-5)


@pytest.mark.parametrize(
    ("layers", "count"),
    [(2, 4_566_504), (4, 4_599_528), (6, 4_632_552), (8, 4_665_576), (10, 4_698_600), (12, 4_731_624)],
)
def test_parameter_counts_are_the_papers(layers, count):
    model = network(17_768, hidden=[128] * (layers // 2))
    assert sum(w.numel() for w in model.parameters()) == count


@pytest.mark.parametrize("kind", KINDS)
def test_last_layer_is_linear_for_bounded_activations_only(kind):
    torch.manual_seed(0)
    model = network(4, hidden=[3], activation=kind)
    torch.nn.init.constant_(model.decode_b[0], -8.0)
    y = model(torch.zeros(1, 4)).detach()
    reaches_far = bool((y < -5).all())
    assert reaches_far == (kind in ("sigmoid", "tanh"))


def test_dropout_acts_on_the_code_and_only_in_training():
    torch.manual_seed(0)
    model = network(20, hidden=[8], activation="identity", dropout=0.5)
    x = all_rows(random_matrix())
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.encode(x), model.encode(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_dropout_drops_elements_of_the_code_and_of_nothing_else():
    torch.manual_seed(0)
    model = network(8, hidden=[12, 8], activation="identity", dropout=0.5)
    once, twice = torch.eye(8), torch.eye(8)[:4]
    with torch.no_grad():  # a decoder that adds the first four elements of the code to themselves
        model.decode_w[0].copy_(torch.cat([once, twice]))
        model.decode_w[1].copy_(torch.cat([once, twice]).T)
    x = torch.randn(50, 8)
    code, y = model.encode(x).detach(), model(x).detach()
    kept = y != 0
    # An element is dropped, or kept and doubled, and both its copies with it; a mask elsewhere would part them.
    expected = 2 * code * torch.tensor([2.0] * 4 + [1.0] * 4)
    torch.testing.assert_close(y[kept], expected[kept], rtol=0, atol=1e-5)
    assert 0.3 < kept.float().mean() < 0.7


def test_completing_some_columns_at_a_time_changes_nothing(monkeypatch):
    model, x = network(20, hidden=[8]).eval(), all_rows(random_matrix())
    monkeypatch.setattr("deeprec.models.network.COMPLETED_AT_ONCE", 7)
    torch.testing.assert_close(model.complete(x), model(x), rtol=0, atol=1e-5)


def test_xavier_bounds_and_zero_biases():
    model = network(300, hidden=[100])
    bound = np.sqrt(6 / 400)
    for w in [*model.encode_w, *model.decode_w]:
        assert 0.95 * bound < w.abs().max().item() <= bound
    assert all((b == 0).all() for b in [*model.encode_b, *model.decode_b])


def test_input_noise_leaves_the_target_alone():
    settings = AutoEncoderSettings(**{"hidden": [4], "input_noise": 0.9, "lr": 1e-9})
    matrix = random_matrix()
    torch.manual_seed(0)
    noisy = AutoEncoderLearner(settings, matrix, torch.device("cpu"))
    torch.manual_seed(0)
    clean = AutoEncoderLearner(settings.model_copy(update={"input_noise": 0.0}), matrix, torch.device("cpu"))
    batch = matrix.rows(torch.arange(5))
    values = batch.values.clone()
    assert not torch.equal(batch.noisy(0.9).values, values) and torch.equal(batch.values, values)
    (error, count), (clean_error, clean_count) = noisy.step(torch.arange(5)), clean.step(torch.arange(5))
    assert count == clean_count == len(values)
    assert error != clean_error


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_start_at_means_begins_near_them(kind, constrained):
    torch.manual_seed(0)
    plain = network(20, hidden=[9, 7], activation=kind, constrained=constrained)
    model = network(20, hidden=[9, 7], activation=kind, constrained=constrained, output_scale=0.1)
    means = torch.linspace(1, 5, 20)
    x = all_rows(random_matrix())
    before = (plain(x) - means).abs().mean()
    model.start_at(means)
    torch.testing.assert_close(model.last_activation(model.decode_b[-1]), means)
    assert (model(x) - means).abs().mean() < 0.2 * before


def test_items_means_are_where_a_training_starts():
    settings = AutoEncoderSettings(**{"hidden": [9], "output_start": "means"})
    matrix = random_matrix()
    model = AutoEncoderLearner(settings, matrix, torch.device("cpu")).model
    x = all_rows(matrix).double()
    mean = x.sum() / (x > 0).sum()
    expected = (x.sum(0) + MEANS_L2 * mean) / ((x > 0).sum(0) + MEANS_L2)
    torch.testing.assert_close(model.last_activation(model.decode_b[-1]).double(), expected, atol=1e-5, rtol=0)


def test_l2_is_shared_out_over_the_training_ratings():
    matrix = random_matrix()
    weights = []
    for penalty in ({"l2": 30.0}, {"weight_decay": 30.0 / matrix.n_ratings}, {}):
        torch.manual_seed(0)
        settings = AutoEncoderSettings(**{"hidden": [9], "lr": 0.1, **penalty})
        learner = AutoEncoderLearner(settings, matrix, torch.device("cpu"))
        learner.train_epoch(1)
        weights.append(torch.cat([w.detach().ravel() for w in learner.model.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert weights[0].norm() < 0.99 * weights[2].norm()
