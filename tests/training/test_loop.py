"""The loop: resuming bit for bit, the best epoch, divergence, who is seen when."""

import math
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from deeprec.data.matrix import Part
from deeprec.models.autoencoder import AutoEncoderLearner, AutoEncoderSettings
from deeprec.training.loop import DIVERGED_ABOVE, rmse, train
from tests.conftest import random_matrix

CPU = torch.device("cpu")
MATRIX = random_matrix(25, 12)


def learner(**changes) -> AutoEncoderLearner:
    torch.manual_seed(3)
    small = {
        "hidden": [8, 4],
        "dropout": 0.5,
        "refeed": 1,
        "lr": 0.02,
        "batch_size": 10,
        **changes,
    }
    return AutoEncoderLearner(AutoEncoderSettings(**small), MATRIX, CPU)


def valid_part() -> Part:
    rng = np.random.default_rng(1)
    pairs = [rng.integers(0, n, 40).astype(np.int32) for n in (MATRIX.n_rows, MATRIX.n_columns)]
    return Part(*pairs, rng.integers(1, 6, 40).astype(np.int8))


def without_clock(rows: list[dict]) -> list[dict]:
    return [{k: v for k, v in row.items() if k not in ("seconds", "timestamp")} for row in rows]


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("save_seconds", [0.0, 1e9])
@pytest.mark.parametrize("killed_after", [1, 3, 6])
def test_resumed_training_equals_an_undisturbed_one(tmp_path, optimizer, save_seconds, killed_after):
    whole = train(learner(optimizer=optimizer), valid_part(), 6)

    def kill(progress):
        if progress.epoch == killed_after:
            raise Killed

    state = tmp_path / "state.pt"
    with pytest.raises(Killed):
        train(
            learner(optimizer=optimizer),
            valid_part(),
            6,
            state_path=state,
            save_seconds=save_seconds,
            on_epoch=kill,
        )
    assert state.exists() == (save_seconds == 0 or killed_after == 6)
    resumed_learner = learner(optimizer=optimizer)
    torch.manual_seed(999)  # a resumed training must not depend on what the process drew before
    if not state.exists():
        resumed_learner = learner(optimizer=optimizer)
    resumed = train(resumed_learner, valid_part(), 6, state_path=state, save_seconds=save_seconds)
    assert without_clock(resumed.history) == without_clock(whole.history)
    assert resumed.steps == whole.steps
    assert resumed.best_epoch == whole.best_epoch
    for name, weight in whole.best_weights.items():
        assert torch.equal(resumed.best_weights[name], weight)


def test_state_is_saved_and_continued_from(tmp_path):
    state, epochs = tmp_path / "state.pt", []
    train(learner(), valid_part(), 3, state_path=state, save_seconds=0.0)
    train(
        learner(),
        valid_part(),
        5,
        state_path=state,
        on_epoch=lambda progress: epochs.append(progress.epoch),
    )
    assert epochs == [4, 5]


def test_truncated_state_is_not_taken_for_a_whole_one(tmp_path):
    state = tmp_path / "state.pt"
    train(learner(), valid_part(), 2, state_path=state)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_epochs_are_dated_in_milliseconds():
    before = time.time()
    progress = train(learner(), valid_part(), 2)
    first, second = (row["timestamp"] for row in progress.history)
    assert 1000 * before - 1 <= first <= second <= 1000 * time.time()


def test_learner_ends_with_the_best_epochs_weights():
    ours, valid = learner(), valid_part()
    progress = train(ours, valid, 12)
    best = min(progress.history, key=lambda row: row["valid_rmse"])
    assert progress.best_epoch == best["epoch"] < progress.epoch == 12
    assert rmse(ours.predict(valid), valid.rating) == best["valid_rmse"] == progress.best_rmse


@pytest.mark.parametrize("lr", [50.0, 1e30])
def test_divergence_ends_the_training(lr):
    progress = train(learner(lr=lr, refeed=0), valid_part(), 50)
    assert progress.diverged and progress.epoch < 50
    last = progress.history[-1]
    assert not (last["train_rmse"] <= DIVERGED_ABOVE and last["valid_rmse"] <= DIVERGED_ABOVE)


def test_same_seed_same_numbers_other_seed_others():
    one, two = (train(learner(), valid_part(), 3).history for _ in range(2))
    assert without_clock(one) == without_clock(two)
    ours = learner()
    torch.manual_seed(4)
    assert without_clock(train(ours, valid_part(), 3).history) != without_clock(one)


def seen_users(ours: AutoEncoderLearner, monkeypatch) -> list[int]:
    seen = []
    monkeypatch.setattr(ours, "step", lambda users: (seen.extend(users.tolist()), (torch.zeros(()), 1))[1])
    ours.train_epoch(1)
    return seen


def test_every_user_is_seen_once_an_epoch(monkeypatch):
    assert sorted(seen_users(learner(), monkeypatch)) == list(range(25))


def test_drop_last_leaves_out_the_incomplete_batch(monkeypatch):
    seen = seen_users(learner(drop_last=True), monkeypatch)
    assert len(seen) == len(set(seen)) == 20


def test_drop_last_keeps_a_data_set_smaller_than_a_batch(monkeypatch):
    assert len(seen_users(learner(drop_last=True, batch_size=64), monkeypatch)) == 25


def test_learning_rate_halves_at_the_authors_epochs():
    ours = learner(lr=0.8)
    rates = [ours.lr(epoch) for epoch in range(1, 101)]
    # Epochs 24, 36, 48, 66 and 72 counted from 0, as the authors' scheduler does.
    assert [i for i in range(1, 100) if rates[i] != rates[i - 1]] == [24, 36, 48, 66, 72]
    assert rates[0] == 0.8 and rates[-1] == pytest.approx(0.8 / 32)


def test_training_rmse_is_pooled_over_ratings(monkeypatch):
    ours = learner()
    monkeypatch.setattr(ours, "train_epoch", lambda epoch: (np.array([8.0, 2.0]), np.array([1, 4])))
    progress = train(ours, valid_part(), 1)
    assert progress.history[0]["train_rmse"] == math.sqrt(10 / 5)  # not the root of the mean of 8 and 0.5
    assert [row["train_rmse"] for row in progress.steps] == [math.sqrt(8), math.sqrt(0.5)]


def test_predict_does_not_depend_on_the_pairs_order_or_batch(monkeypatch):
    ours, valid = learner(), valid_part()
    expected = ours.predict(valid)
    order = np.random.default_rng(0).permutation(len(valid))
    shuffled = Part(valid.user[order], valid.item[order], valid.rating[order])
    monkeypatch.setattr("deeprec.models.autoencoder.PREDICT_BATCH", 3)
    np.testing.assert_allclose(ours.predict(shuffled), expected[order], atol=1e-5)
    ours.model.eval()
    with torch.no_grad():
        dense = ours.model(MATRIX.rows(torch.arange(25)).dense()).numpy()
    np.testing.assert_allclose(expected, dense[valid.user, valid.item], atol=1e-5)


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        learner().settings.lr = 1.0


def damaged(state: Path, damage: str) -> bytes:
    """A state's bytes with one of them flipped, in a weight or in the zip file's directory, or cut off."""
    data = bytearray(state.read_bytes())
    with zipfile.ZipFile(state) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    flipped = {
        "weight": largest.header_offset + len(largest.FileHeader()) + 200,
        "name": data.rfind(largest.filename.encode()) + 1,
    }
    if damage in flipped:
        data[flipped[damage]] ^= 0x80
    return bytes(data[: {"half": len(data) // 2, "nothing": 0}.get(damage, len(data))])


@pytest.mark.parametrize("damage", ["weight", "name", "half", "nothing"])
def test_a_damaged_state_is_set_aside_and_the_training_starts_over(tmp_path, caplog, damage):
    whole = train(learner(), valid_part(), 3)
    state = tmp_path / "state.pt"
    train(learner(), valid_part(), 2, state_path=state)
    state.write_bytes(damaged(state, damage))
    again = train(learner(), valid_part(), 3, state_path=state)
    assert without_clock(again.history) == without_clock(whole.history)
    assert f"{state}: damaged" in caplog.text and "set aside as state.damaged" in caplog.text
    assert (tmp_path / "state.damaged").exists()


def test_the_best_epoch_is_the_lowest_however_little_it_leads(monkeypatch):
    ours = learner()
    scores = iter([1.0, 0.999999, 0.9999989, 1.0])
    monkeypatch.setattr("deeprec.training.loop.rmse", lambda prediction, rating: next(scores))
    assert train(ours, valid_part(), 4).best_epoch == 3


@pytest.mark.parametrize(("patience", "n_epochs"), [(0, 8), (1, 3), (2, 7), (5, 8)])
def test_patience_counts_epochs_without_a_better_one(monkeypatch, tmp_path, patience, n_epochs):
    scores = [1.3, 1.2, 1.25, 1.19, 1.18, 1.21, 1.18, 1.22]
    state = tmp_path / "state.pt"
    asked = iter(scores)
    monkeypatch.setattr("deeprec.training.loop.rmse", lambda prediction, rating: next(asked))
    progress = train(learner(), valid_part(), len(scores), patience=patience, state_path=state)
    assert progress.epoch == n_epochs
    assert progress.best_rmse == min(scores[:n_epochs])
    # What has stopped is not trained on when it is asked for again.
    assert train(learner(), valid_part(), len(scores), patience=patience, state_path=state).epoch == n_epochs
