import copy
import sys

import pytest
import torch

from deeprec import optimizers

KINDS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "fused": True},
    "Adam": {"lr": 0.1, "weight_decay": 0.01, "fused": True},
}


def train(kind: type, settings: dict, steps: int, state: dict | None = None) -> tuple[torch.Tensor, dict]:
    w = torch.nn.Parameter(torch.linspace(-1, 1, 7))
    optimizer = kind([w], **settings)
    if state is not None:
        optimizer.load_state_dict(copy.deepcopy(state))
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        (w.sin() * w).sum().backward()
        optimizer.step()
    return w.detach(), optimizer.state_dict()


@pytest.mark.parametrize(("name", "settings"), KINDS.items())
def test_steps_are_those_of_torch(name, settings):
    theirs, state = train(getattr(torch.optim, name), settings, 5)
    ours, our_state = train(getattr(optimizers, name), settings, 5)
    assert torch.equal(ours, theirs)
    for a, b in zip(our_state["state"][0].values(), state["state"][0].values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(("name", "settings"), KINDS.items())
def test_a_state_of_torch_is_gone_on_from(name, settings):
    _, state = train(getattr(torch.optim, name), settings, 5)
    theirs, _ = train(getattr(torch.optim, name), settings, 3, state)
    assert torch.equal(train(getattr(optimizers, name), settings, 3, state)[0], theirs)


@pytest.mark.parametrize(("name", "settings"), KINDS.items())
def test_the_compiler_is_not_imported(name, settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it fails
    train(getattr(optimizers, name), settings, 2, train(getattr(optimizers, name), settings, 1)[1])
