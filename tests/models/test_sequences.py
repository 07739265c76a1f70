"""Where RRN's sequences keep a row's ratings and states, and what is refused."""

import numpy as np
import pytest
import torch

from deeprec.data.matrix import rating_matrix
from deeprec.models.sequences import Sequences, dates_of, time_buckets
from deeprec.runtime.files import InputError


def test_states_lie_where_they_are_looked_for() -> None:
    user, item = np.int32([0, 0, 0, 1]), np.int32([0, 1, 2, 1])
    matrix = rating_matrix(user, item, np.int8([1, 2, 3, 4]), 2, 3, np.int32([17, 10, 17, 12]))
    seq = Sequences(matrix, first_date=10, bucket_days=2, n_buckets=4)  # user 0 in buckets 0 and 3, user 1 in 1
    assert seq.others.tolist() == [1, 0, 2, 1]
    assert seq.step_offsets.tolist() == [0, 2, 3]
    row, bucket = torch.tensor([0, 0, 0, 0, 1, 1, 1]), torch.tensor([-1, 0, 2, 3, 0, 1, 3])
    # Places 0, 1, 2 are user 0's before, between and after his steps; 3 and 4 user 1's.
    assert seq.state_at(row, bucket, advanced=True).tolist() == [0, 1, 1, 2, 3, 4, 4]
    assert seq.state_at(row, bucket, advanced=False).tolist() == [0, 0, 1, 1, 3, 3, 4]


@pytest.mark.parametrize(("days", "n"), [(1, 8), (3, 3), (7, 2)])
def test_buckets_reach_from_the_first_date_to_the_last(days: int, n: int) -> None:
    assert time_buckets(dated([17, 10, 12]), days) == (10, n)


def test_one_bucket_or_no_dates_are_refused() -> None:
    with pytest.raises(InputError, match="span 8 days, one bucket of bucket_days 8; expected at least two"):
        time_buckets(dated([17, 10, 12]), 8)
    with pytest.raises(InputError, match="no dates; expected a date a rating"):
        dates_of(rating_matrix(np.int32([0]), np.int32([0]), np.int8([1]), 1, 1))


def dated(dates: list[int]):
    ids = np.arange(len(dates), dtype=np.int32)
    return rating_matrix(ids, ids, np.ones(len(ids), np.int8), len(ids), len(ids), np.int32(dates))
