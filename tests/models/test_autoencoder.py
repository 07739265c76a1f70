"""What the learner adds to the network: sides, centers, offsets, penalties, the mean of weights; against NumPy."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.models.autoencoder import AutoEncoderLearner
from deeprec.models.bias import BiasLearner
from deeprec.models.center import MEANS_L2
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.settings.bias import BiasSettings
from deeprec.training.loop import train
from tests.conftest import all_rows, random_matrix

CPU = torch.device("cpu")
MATRIX = random_matrix(14, 9)
DENSE = all_rows(MATRIX).double().numpy()
RATED = DENSE != 0
PAIRS = Part(*(grid.ravel().astype(np.int32) for grid in np.mgrid[:14, :9]), np.zeros(14 * 9))
PENALTIES = {"l2_user": 3.0, "l2_item": 1.0}


def learner_of(matrix: RatingMatrix = MATRIX, seed: int = 0, **changes: Any) -> AutoEncoderLearner:
    small = {"hidden": [5, 3], "activation": "tanh", "batch_size": 4, "lr": 0.05, "lr_milestones": []}
    torch.manual_seed(seed)
    return AutoEncoderLearner(AutoEncoderSettings(**{**small, **PENALTIES, **changes}), matrix, CPU)


def trained(epochs: int = 2, **changes: Any) -> AutoEncoderLearner:
    learner = learner_of(**changes)
    for epoch in range(epochs):
        learner.train_epoch(epoch + 1)
    return learner


def forward(learner: AutoEncoderLearner, x: np.ndarray) -> np.ndarray:
    """The network of two layers a side, tanh within and linear at the end, in NumPy."""
    w = {name: value.double().numpy() for name, value in learner.mean_model.state_dict().items()}
    z = np.tanh(np.tanh(x @ w["encode_w.0"] + w["encode_b.0"]) @ w["encode_w.1"] + w["encode_b.1"])
    return np.tanh(z @ w["decode_w.0"].T + w["decode_b.0"]) @ w["decode_w.1"].T + w["decode_b.1"]


def biases() -> np.ndarray:
    """μ + b_u + b_i of every pair, (14, 9), solved for by plain loops over users and items."""
    mean, b_user, b_item = DENSE[RATED].mean(), np.zeros(14), np.zeros(9)
    for _ in range(10):
        for i in range(9):
            at = RATED[:, i]
            b_item[i] = (DENSE[at, i] - mean - b_user[at]).sum() / (PENALTIES["l2_item"] + at.sum())
        for u in range(14):
            at = RATED[u]
            b_user[u] = (DENSE[u, at] - mean - b_item[at]).sum() / (PENALTIES["l2_user"] + at.sum())
    return mean + b_user[:, None] + b_item


def means() -> np.ndarray:
    """The items' means, held near μ, as a center of every pair, (14, 9)."""
    mean = DENSE[RATED].mean()
    return np.tile(
        [mean + (DENSE[at, i] - mean).sum() / (MEANS_L2 + at.sum()) for i, at in enumerate(RATED.T)], (14, 1)
    )


CENTERS = {"none": lambda: np.zeros((14, 9)), "means": means, "biases": biases}


@pytest.mark.parametrize("offset", [0.0, 3.0])
@pytest.mark.parametrize("rows", ["users", "items"])
@pytest.mark.parametrize("center", CENTERS)
def test_predictions_and_errors_are_those_of_numpy(center, rows, offset):
    learner = trained(center=center, rows=rows, input_offset=offset)
    b = CENTERS[center]()
    x = np.where(RATED, DENSE - b + offset, 0)
    y = forward(learner, x) if rows == "users" else forward(learner, x.T).T
    np.testing.assert_allclose(learner.predict(PAIRS), (y + b).ravel(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(learner.scores(torch.arange(14)), y + b, rtol=0, atol=1e-5)
    learner.model.train()
    everyone = torch.arange(learner.matrix.n_rows)
    error, n_ratings = learner.step(everyone)
    assert error.item() == pytest.approx(np.square((DENSE - b - y)[RATED]).sum(), rel=1e-5)
    assert n_ratings == RATED.sum()


def test_items_rows_are_the_users_of_the_transposed_matrix():
    ours, theirs = trained(rows="items"), trained(rows="users", matrix=MATRIX.transpose())
    turned = Part(PAIRS.item, PAIRS.user, PAIRS.rating)
    np.testing.assert_array_equal(ours.predict(PAIRS), theirs.predict(turned))


def test_re_fed_vectors_have_the_offset_at_every_place():
    learner = learner_of(center="biases", input_offset=2.0, refeed=1, optimizer="sgd", lr=1e-6)
    x = np.where(RATED, DENSE - biases() + 2, 0)
    fed, seen = forward(learner, x), []
    learner.model.train()
    learner.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    learner.step(torch.arange(14))
    np.testing.assert_allclose(seen[-1].numpy(), fed + 2, rtol=0, atol=1e-5)


def test_a_scale_of_the_start_is_that_of_the_last_weights_alone():
    plain, scaled = (learner_of(output_scale=scale).model.state_dict() for scale in (1.0, 0.25))
    for name, weight in plain.items():
        torch.testing.assert_close(scaled[name], 0.25 * weight if name == "decode_w.1" else weight, rtol=0, atol=0)


@pytest.mark.parametrize("l2_biases", [False, True])
@pytest.mark.parametrize("penalty", [{"l2": 40.0}, {"weight_decay": 0.6}])
def test_penalties_hold_the_biases_where_they_are_asked_to(l2_biases, penalty):
    changes = {"optimizer": "sgd", "momentum": 0.0, "lr": 0.01, "batch_size": 14, "l2_biases": l2_biases}
    free, held = (learner_of(**changes, **p) for p in ({}, penalty))
    start = 0.5  # biases start at 0, where a penalty does nothing
    for learner in (free, held):
        with torch.no_grad():
            for b in learner.model.biases():
                b += start
    before = {name: w.clone() for name, w in free.model.state_dict().items()}
    for learner in (free, held):
        learner.model.train()
        learner.step(torch.arange(14))
    strength = penalty.get("weight_decay", penalty.get("l2", 0) / MATRIX.n_ratings)
    after = held.model.state_dict()
    for name, w in free.model.state_dict().items():
        pulled = 0.01 * strength * before[name] if l2_biases or "_w" in name else 0.0
        torch.testing.assert_close(after[name], w - pulled, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("refeed", "max_steps", "n_steps"), [(0, 0, 4), (1, 0, 4), (0, 3, 3)])
def test_the_mean_of_weights_is_plain_first_and_then_exponential(refeed, max_steps, n_steps):
    learner, seen = learner_of(ema_epochs=0.5, refeed=refeed, max_steps=max_steps), []
    learner.model.train()
    n_updates = n_steps * (1 + refeed)  # an epoch: 14 users in batches of 4
    update = learner.optimizer.step

    def noted(*args: Any) -> None:
        update(*args)
        seen.append(learner.model.encode_w[0].detach().double().numpy().copy())

    learner.optimizer.step = noted
    for _ in range(2):
        learner.train_epoch(1)
    mean = seen[0]
    for n, w in enumerate(seen[1:], start=2):
        mean = mean + (w - mean) / min(n, 0.5 * n_updates)
    np.testing.assert_allclose(learner.mean_model.encode_w[0].detach().numpy(), mean, rtol=0, atol=1e-6)
    assert not np.allclose(mean, seen[-1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("rows", ["users", "items"])
def test_long_rows_are_learnt_at_a_lower_rate(rows):
    mean = MATRIX.n_ratings / (14 if rows == "users" else 9)
    plain = [learner_of(rows=rows, lr_milestones=[1]).lr(epoch) for epoch in (1, 2)]
    assert plain == [0.05, 0.025]
    for lr_ratings, share in ((2, 2 / mean), (1, 1 / mean), (200, 1.0)):
        learner = learner_of(rows=rows, lr_ratings=lr_ratings, lr_milestones=[1])
        np.testing.assert_allclose([learner.lr(epoch) for epoch in (1, 2)], [share * lr for lr in plain], rtol=1e-12)
        learner.train_epoch(1)
        assert learner.optimizer.param_groups[0]["lr"] == learner.lr(1)


@pytest.mark.parametrize(
    ("rows", "max_steps", "n_steps"),  # 14 users or 9 items in batches of 4
    [("users", 0, 4), ("users", 3, 3), ("users", 2, 2), ("users", 200, 4), ("items", 0, 3), ("items", 2, 2)],
)
def test_batches_grow_until_an_epoch_has_no_more_steps_than_are_asked_for(rows, max_steps, n_steps):
    learner = learner_of(rows=rows, max_steps=max_steps)
    _, n_ratings = learner.train_epoch(1)
    assert len(n_ratings) == n_steps == learner.settings.n_steps(14, 9, MATRIX.n_ratings)
    assert n_ratings.sum() == MATRIX.n_ratings  # each once


def test_the_mean_predicts_and_is_what_a_checkpoint_keeps():
    learner, other = trained(ema_epochs=2.0), learner_of(seed=9, ema_epochs=2.0)
    with torch.no_grad():
        for w in learner.model.parameters():
            w.zero_()  # of no consequence
    other.load(learner.weights())
    np.testing.assert_allclose(learner.predict(PAIRS), forward(learner, DENSE).ravel(), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(other.predict(PAIRS), learner.predict(PAIRS))


def test_without_a_mean_the_network_that_learns_predicts():
    learner = learner_of()
    assert learner.mean_model is learner.model


@pytest.mark.parametrize("center", ["means", "biases"])
def test_a_checkpoint_keeps_its_center(center):
    learner, other = trained(center=center), learner_of(center=center, seed=9)
    weights = learner.weights()
    weights["center.mean"] = weights["center.mean"] + 1
    other.load(weights)
    np.testing.assert_allclose(other.predict(PAIRS) - learner.predict(PAIRS), _moved(learner), rtol=0, atol=1e-5)


def _moved(learner: AutoEncoderLearner) -> np.ndarray:
    """What one more star of every center makes: a star in each prediction, one less in each rating read."""
    b = CENTERS[learner.settings.center]()
    inputs = (np.where(RATED, DENSE - b - more, 0) for more in (1, 0))
    after, before = (forward(learner, x) for x in inputs)
    return (1 + after - before).ravel()


@pytest.mark.parametrize("rows", ["users", "items"])
def test_who_has_no_training_rating_gets_the_biases_alone(rows):
    user, item = np.int32([0, 0, 1, 2]), np.int32([0, 1, 1, 0])
    matrix = rating_matrix(user, item, np.int8([5, 3, 4, 1]), n_users=4, n_items=3)  # user 3 and item 2: none
    learner = learner_of(matrix=matrix, rows=rows, center="biases")
    for epoch in range(3):
        learner.train_epoch(epoch + 1)
    bias = BiasLearner(BiasSettings(**PENALTIES, clip=False), matrix, CPU)
    for epoch in range(10):
        bias.train_epoch(epoch + 1)
    unknown = Part(np.int32([3, 3, 0, 2]), np.int32([0, 2, 2, 2]), np.zeros(4))
    np.testing.assert_allclose(learner.predict(unknown), bias.predict(unknown), rtol=0, atol=1e-6)
    everyone = torch.arange(4)
    for ours, theirs in (
        (learner.scores(everyone), bias.scores(everyone)),
        (learner.fold_in(matrix), bias.fold_in(matrix)),  # as new users
    ):
        torch.testing.assert_close(ours[3], theirs[3], rtol=0, atol=2e-6)
        torch.testing.assert_close(ours[:, 2], theirs[:, 2], rtol=0, atol=2e-6)
    known = Part(user, item, np.zeros(4))
    assert np.abs(learner.predict(known) - bias.predict(known)).min() > 1e-3


@pytest.mark.parametrize("rows", ["users", "items"])
def test_scores_right_after_an_epoch_are_those_of_full_precision(rows):
    learner = trained(rows=rows, precision="bf16", dropout=0.5)
    found = learner.scores(torch.arange(14))
    np.testing.assert_allclose(found.ravel(), learner.predict(PAIRS), rtol=0, atol=1e-5)


def test_clipped_predictions_lie_in_the_range_of_the_training_ratings():
    free = trained(lr=0.9).predict(PAIRS)
    assert free.min() < 1 or free.max() > 5
    np.testing.assert_array_equal(trained(lr=0.9, clip=True).predict(PAIRS), free.clip(1, 5))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activation": "selu"}, r"last_activation: found 'same' \(selu\) with center 'biases'"),
        ({"last_activation": "sigmoid"}, r"last_activation: found 'sigmoid' \(sigmoid\) with center 'biases'"),
        ({"output_start": "means"}, "output_start: found 'means' with center 'biases'; expected 'random'"),
    ],
)
def test_what_does_not_go_with_a_center_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        AutoEncoderSettings(**{"activation": "tanh", "center": "biases", **wrong})


def test_a_training_with_a_mean_resumes_bit_for_bit(tmp_path):
    rng = np.random.default_rng(1)
    pairs = (rng.integers(0, n, 30).astype(np.int32) for n in (14, 9))
    valid = Part(*pairs, rng.integers(1, 6, 30).astype(np.int8))
    changes = {"ema_epochs": 1.5, "center": "biases", "input_noise": 0.3, "dropout": 0.3, "optimizer": "adam"}
    whole, resumed = learner_of(**changes), learner_of(**changes)
    curve = train(whole, valid, 6).history
    train(learner_of(**changes), valid, 3, state_path=tmp_path / "state.pt")
    again = train(resumed, valid, 6, state_path=tmp_path / "state.pt").history
    assert [row["valid_rmse"] for row in again] == [row["valid_rmse"] for row in curve]
    np.testing.assert_array_equal(resumed.predict(PAIRS), whole.predict(PAIRS))
