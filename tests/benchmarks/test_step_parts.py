"""The parts of a step that the benchmark times are what a step does, on a small model."""

import pytest
import torch


@pytest.fixture
def parts(benchmark, monkeypatch):
    module = benchmark("step_parts")
    monkeypatch.setattr(module, "N_USERS", 60)
    monkeypatch.setattr(module, "N_ITEMS", 90)
    monkeypatch.setattr(module, "RATINGS_A_USER", 9)
    return module


def learner_of(parts, matrix, **settings):
    run = parts.plan_of("netflix").run("fast").with_seed(0)
    run = run.with_settings(precision="fp32", hidden=[16, 8], batch_size=10, **settings)
    learner = parts.make_learner(run, matrix, torch.device("cpu"))
    learner.model.train()
    return learner


def test_operations_are_those_that_a_hand_counts(parts):
    matrix = parts.ratings()
    learner = learner_of(parts, matrix, refeed=0)
    rows = torch.arange(10)
    found = parts.parts_of(learner, rows)
    n = matrix.count(rows)
    assert found["first layer, at ratings"][1] == 2 * 2 * n * 16  # forward, and the gradient by the weights
    assert found["inner layers"][1] == 3 * 2 * 10 * (16 * 8 + 8 * 16)  # forward, and two gradients
    assert found["last layer, at ratings"][1] == 3 * 2 * n * 16
    n_weights = 2 * 90 * 16 + 2 * 16 * 8 + 16 + 8 + 16 + 90
    assert found["optimizer"][2] == 7 * 4 * n_weights
    # Re-fed: the dense f(x); first layer forward and by weights; inner layers and last one all three ways.
    assert parts.fed_again(learner, 10) == 2 * 10 * (90 * 16 * (1 + 2 + 3) + 3 * 2 * 16 * 8)


def test_parts_change_no_weights_but_the_optimizer_does(parts):
    learner = learner_of(parts, parts.ratings(), refeed=0)
    found = parts.parts_of(learner, torch.arange(10))
    for name, (call, *_) in found.items():
        before = [p.detach().clone() for p in learner.model.parameters()]
        call()
        same = all(torch.equal(p, q) for p, q in zip(learner.model.parameters(), before, strict=True))
        assert same == (name != "optimizer"), name


def test_the_floor_of_a_re_fed_step_holds_that_of_the_plain_one(parts, capsys):
    run = parts.plan_of("netflix").run("fast").with_seed(0).with_settings(precision="fp32", hidden=[16, 8])
    parts.show(run, parts.ratings(), 10, (1e9, 1e9), torch.device("cpu"))
    rows = [line.split("|")[1:4] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    floors = {name.strip(" *"): float(floor) for name, _, floor in rows}
    plain = sum(floors[name] for name in list(floors)[:6])
    assert floors["a step, not re-fed"] == pytest.approx(plain, abs=0.3)  # six numbers, rounded to 0.1
    assert floors["a step, re-fed once"] == pytest.approx(plain + floors["a re-fed pass"], abs=0.4)
