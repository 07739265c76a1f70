"""RRN: toy data whose answer depends on time, its states against a plain loop, and what it may look at."""

import numpy as np
import pytest
import torch

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.models.bias import BiasLearner, BiasSettings
from deeprec.models.pmf import PmfLearner, PmfSettings
from deeprec.models.rrn import RrnLearner, RrnSettings
from deeprec.runtime.files import InputError
from deeprec.training.loop import rmse

CPU = torch.device("cpu")
N_USERS, N_ITEMS, N_DAYS = 120, 30, 24
SETTINGS = {
    "bucket_days": 1, "embedding": 8, "hidden": 16, "dynamic_rank": 4, "rank": 2, "init_std": 0.1,
    "l2_user": 5.0, "l2_item": 2.0, "bias_epochs": 5, "l2": 0.02, "weight_decay": 0.0, "lr": 0.02,
    "batch_size": 512, "clip": True, "epochs": 25,
}  # fmt: skip


def moody_ratings() -> tuple[Part, Part]:
    """Return train and test ratings of items that are loved for six days and hated for the next six.

    Train holds as many good days of an item as bad ones, test the last day's ratings alone: all means are 3,
    and only what was rated lately tells 1 from 5.
    """
    rng = np.random.default_rng(0)
    user, item = (grid.ravel() for grid in np.mgrid[:N_USERS, :N_ITEMS])
    date = rng.integers(0, N_DAYS, len(user))
    good = (date + 6 * (item % 2) + 3) // 6 % 2
    rating = (1 + 4 * good).astype(np.int8)
    tested = (date == N_DAYS - 1) & (rng.random(len(user)) < 0.5)
    # Days since 1970, not since the first rating.
    columns = (user.astype(np.int32), item.astype(np.int32), rating, (10_000 + date).astype(np.int32))
    train, test = ([column[mask] for column in columns] for mask in (~tested, tested))
    return Part(*train), Part(*test)


def matrix_of(part: Part) -> RatingMatrix:
    return rating_matrix(part.user, part.item, part.rating, N_USERS, N_ITEMS, part.date)


def learner_of(part: Part, **changes: float | bool) -> RrnLearner:
    torch.manual_seed(0)
    return RrnLearner(RrnSettings(**{**SETTINGS, **changes}), matrix_of(part), CPU)


def test_succeeds_where_models_without_time_must_fail() -> None:
    train, test = moody_ratings()
    rrn = learner_of(train)
    bias = BiasLearner(BiasSettings(), matrix_of(train), CPU)
    pmf = PmfLearner(
        PmfSettings(rank=8, l2=0.05, center=True, optimizer="adam", lr=0.01, batch_size=512, epochs=20),
        matrix_of(train),
        CPU,
    )
    for learner in (rrn, bias, pmf):
        for epoch in range(25):
            learner.train_epoch(epoch + 1)
    assert rmse(rrn.predict(test), test.rating) < 0.7
    assert rmse(bias.predict(test), test.rating) > 1.8
    assert rmse(pmf.predict(test), test.rating) > 1.8


def test_states_are_those_of_a_plain_loop_over_rows_and_steps() -> None:
    train, _ = moody_ratings()
    learner = learner_of(train, bucket_days=5)
    seq, side = learner.seqs["item"], learner.sides["item"]
    rows = torch.tensor([7, 0, 29, 3])
    expected = []
    for row in rows.tolist():
        state, before = None, None
        expected.append(side.affine(torch.zeros(learner.settings.hidden)))
        mine = train.item == row
        buckets = (train.date[mine] - train.date.min()) // 5
        for bucket in np.unique(buckets):
            now = buckets == bucket
            rating = torch.from_numpy(train.rating[mine][now]) - learner.mean
            x = (side.embed[train.user[mine][now]] * rating[:, None]).sum(0) / np.sqrt(now.sum())
            times = [bucket / seq.n_buckets, (bucket if before is None else before) / seq.n_buckets]
            y = x + side.embed_time(torch.tensor([before is None, *times], dtype=torch.float32))
            h, state = side.lstm(y[None], state)
            expected.append(side.affine(h[0]))
            before = bucket
    torch.testing.assert_close(side.states(seq, rows, learner.mean), torch.stack(expected), rtol=0, atol=2e-6)


def test_a_rating_is_learnt_from_earlier_buckets_only() -> None:
    """Turning the last bucket's ratings around must not change what any rating is predicted from."""
    train, _ = moody_ratings()
    rating = np.where(train.date == train.date.max(), 6 - train.rating, train.rating).astype(np.int8)
    turned = Part(train.user, train.item, rating, train.date)
    fixed = []
    for part in (train, turned):
        learner = learner_of(part)
        learner.mean = torch.tensor(3.0)
        learner.sides.load_state_dict(learner_of(train).sides.state_dict())
        states = {name: side.all_states(learner.seqs[name], learner.mean) for name, side in learner.sides.items()}
        bucket = torch.from_numpy(train.date - train.date.min()).long()
        for name, row in (("user", train.user), ("item", train.item)):
            place = learner.seqs[name].state_at(torch.from_numpy(row).long(), bucket, advanced=False)
            fixed.append(states[name][place])
    torch.testing.assert_close(fixed[0], fixed[2], rtol=0, atol=1e-6)
    torch.testing.assert_close(fixed[1], fixed[3], rtol=0, atol=1e-6)


def test_blocks_bound_memory_and_not_results(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = moody_ratings()
    whole = learner_of(train)
    expected = whole.predict(test)  # before the blocks shrink
    for module in ("data.matrix", "models.rrn", "models.sequences"):
        monkeypatch.setattr(f"deeprec.{module}.BLOCK_RATINGS", 100)
    parts = learner_of(train)
    for name, seq in parts.seqs.items():
        assert len(list(seq.batches(torch.arange(seq.n_rows), 100))) > 20
        for tensor in ("others", "ratings", "buckets", "keys", "step_ratings", "step_offsets"):
            assert getattr(seq, tensor).equal(getattr(whole.seqs[name], tensor)), tensor
    turned = np.random.default_rng(0).permutation(len(test))
    found = parts.predict(Part(*(column[turned] for column in vars(test).values())))
    np.testing.assert_allclose(found, expected[turned], atol=1e-3)  # states of half precision may round otherwise


def test_a_training_rating_is_predicted_without_its_bucket() -> None:
    """What others give an item on a rating's very day does not help to predict that rating."""
    train, _ = moody_ratings()
    user, item = 3, 7
    day = train.date[(train.user == user) & (train.item == item)][0]
    others = (train.item == item) & (train.date == day) & (train.user != user)
    assert others.any()
    turned = np.where(others, 6 - train.rating, train.rating).astype(np.int8)
    one, two = learner_of(train), learner_of(Part(train.user, train.item, turned, train.date))
    two.load(one.weights())
    two.mean = one.mean
    states = [ours.side["item"].all_states(ours.seqs["item"], ours.mean) for ours in (one, two)]
    assert not torch.equal(*states)  # of the days after it
    # A step's error is that of before its update.
    errors = [
        ours._step("user", "item", torch.tensor([user]), s)[0] for ours, s in zip((one, two), states, strict=True)
    ]
    assert torch.equal(*errors)


def test_a_date_after_the_last_counts_as_the_last() -> None:
    train, test = moody_ratings()
    learner = learner_of(train)
    later = Part(test.user, test.item, test.rating, test.date + 3)
    np.testing.assert_array_equal(learner.predict(later), learner.predict(test))


def test_a_batch_errs_as_much_as_its_rows_alone() -> None:
    train, _ = moody_ratings()

    def error(*rows: int) -> float:
        learner = learner_of(train)
        states = learner.side["item"].all_states(learner.seqs["item"], learner.mean)
        return learner._step("user", "item", torch.tensor(rows), states)[0].item()

    assert error(7, 0, 3) == pytest.approx(error(7) + error(0) + error(3), rel=1e-5)


def test_half_an_epoch_moves_one_side_only() -> None:
    learner = learner_of(moody_ratings()[0])
    before = {name: value.clone() for name, value in learner.weights().items()}
    counts = [count for _, count in learner._half_epoch("user", "item")]
    moved = {name.partition(".")[0] for name, value in learner.weights().items() if not value.equal(before[name])}
    assert moved == {"user"}
    assert sum(counts) == learner.seqs["user"].ratings.numel()


def test_batches_hold_whole_rows_of_about_the_size() -> None:
    seq = learner_of(moody_ratings()[0]).seqs["user"]
    rows = torch.randperm(N_USERS)
    batches = list(seq.batches(rows, 100))
    assert torch.cat(batches).equal(rows)
    sizes = [seq.offsets.diff()[batch].sum().item() for batch in batches]
    assert max(sizes) < 100 + N_ITEMS


def test_refuses_one_bucket_and_no_dates() -> None:
    train, _ = moody_ratings()
    with pytest.raises(InputError, match=r"one bucket of bucket_days 24; expected at least two.*RRN: null"):
        learner_of(train, bucket_days=24)
    with pytest.raises(InputError, match="expected a date a rating"):
        learner_of(Part(train.user, train.item, train.rating))
