"""Seeds in batches: what was trained together stays so, and every seed is trained once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprec.config.batches import read_batches, remembered, seed_batches
from deeprec.runtime.files import InputError, write_json

SEEDS = st.lists(st.integers(0, 9), min_size=1, unique=True)


@pytest.mark.parametrize(
    ("seeds", "size", "before", "batches"),
    [
        ([5, 6, 7, 8], 3, [], [[5, 6, 7], [8]]),
        ([0, 1], 3, [[0]], [[0], [1]]),
        ([0, 1, 2, 3], 1, [[0, 1, 2]], [[0, 1, 2], [3]]),
        ([0, 1], 3, [[0, 1, 2]], [[0, 1]]),
    ],
)
def test_earlier_batches_stay(seeds, size, before, batches):
    assert seed_batches(seeds, size, before) == batches


@given(SEEDS, SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_every_seed_is_in_one_batch_and_nothing_changes_twice(first, then, size, other):
    before = seed_batches(first, size, [])
    batches = seed_batches(then, other, before)
    assert sorted(seed for batch in batches for seed in batch) == sorted(then)
    assert seed_batches(then, size, batches) == batches


def test_a_call_with_few_seeds_forgets_no_others():
    before = [[0], [1, 2]]
    few = seed_batches([5], 3, before)
    assert remembered(few, before) == [[5], [0], [1, 2]]
    assert seed_batches([0, 1, 2], 3, remembered(few, before)) == before
    assert remembered(seed_batches([1], 3, before), before) == [[1], [0]]  # of 1 and 2, another job trains 1


def test_a_damaged_record_is_named(tmp_path):
    path = tmp_path / "seed_batches.json"
    assert read_batches(path) == []
    write_json(path, [[0, 1], [2]])
    assert read_batches(path) == [[0, 1], [2]]
    write_json(path, [["0"]])
    with pytest.raises(InputError, match=r"seed_batches.json: expected a list of lists of seeds; remove it"):
        read_batches(path)
