"""Ratings in time, as RRN reads them: a row's sequence of time buckets, of users or of items."""

from collections.abc import Iterator

import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, RatingMatrix, counts_of
from deeprec.runtime.files import InputError


class Sequences:
    """A side's ratings, ordered by row and time bucket, and its steps: the (row, bucket) pairs with a rating.

    States lie row by row, the state before the first step ahead of those after each: n_rows + n_steps in all.
    """

    def __init__(self, matrix: RatingMatrix, first_date: int, bucket_days: int, n_buckets: int):
        dates = dates_of(matrix)
        self.n_rows, self.n_others, self.n_buckets = matrix.n_rows, matrix.n_columns, n_buckets
        self.offsets = matrix.offsets  # (n_rows + 1,), of ratings by row
        self.others, self.ratings = torch.empty_like(matrix.columns), torch.empty_like(matrix.values)  # (n_ratings,)
        self.buckets = torch.empty_like(dates)  # (n_ratings,) int16
        # Some rows at a time: sorting takes several times the memory of what is sorted.
        for rows in self.batches(torch.arange(self.n_rows, device=matrix.offsets.device), BLOCK_RATINGS):
            row = rows.repeat_interleave(counts_of(self.offsets, rows))
            entries = slice(*self.offsets[torch.stack([rows[0], rows[-1] + 1])].tolist())
            bucket = (dates[entries].int() - first_date) // bucket_days
            order = torch.argsort(row * n_buckets + bucket, stable=True)
            self.others[entries], self.ratings[entries] = matrix.columns[entries][order], matrix.values[entries][order]
            self.buckets[entries] = bucket[order].short()
        is_first = torch.ones(matrix.n_ratings, dtype=torch.bool, device=matrix.offsets.device)
        torch.ne(self.buckets[1:], self.buckets[:-1], out=is_first[1:])
        is_first[self.offsets[:-1][self.offsets.diff() > 0]] = True
        first = is_first.nonzero()[:, 0]  # (n_steps,), each step's first rating
        row = torch.searchsorted(self.offsets, first, right=True) - 1
        self.keys = row * n_buckets + self.buckets[first]  # (n_steps,)
        self.step_ratings = torch.cat([first, self.offsets[-1:]])  # (n_steps + 1,), of ratings by step
        bounds = torch.arange(self.n_rows + 1, device=matrix.offsets.device) * n_buckets
        self.step_offsets = torch.searchsorted(self.keys, bounds)  # (n_rows + 1,), of steps by row

    def state_at(self, row: Tensor, bucket: Tensor, *, advanced: bool) -> Tensor:
        """Return where a row's state lies before a bucket, or advanced with the bucket's ratings, (n,)."""
        return torch.searchsorted(self.keys, row * self.n_buckets + bucket, right=advanced) + row

    def batches(self, rows: Tensor, size: int) -> Iterator[Tensor]:
        """Cut rows into runs of about `size` ratings, at least one row each."""
        ends = counts_of(self.offsets, rows).cumsum(0)
        _, counts = torch.unique_consecutive((ends - 1) // size, return_counts=True)
        return iter(rows.split(counts.tolist()))


def dates_of(matrix: RatingMatrix) -> Tensor:
    """Return the training ratings' dates, (n_ratings,), days since 1970; raise InputError where there are none."""
    if matrix.dates is None:
        raise InputError("model 'rrn': the training ratings have no dates; expected a date a rating")
    return matrix.dates


def time_buckets(train: RatingMatrix, bucket_days: int) -> tuple[int, int]:
    """Return the first training date (days since 1970) and the number of buckets; raise InputError of one bucket."""
    dates = dates_of(train)
    first, last = int(dates.min()), int(dates.max())
    n_buckets = (last - first) // bucket_days + 1
    if n_buckets < 2:
        raise InputError(
            f"model 'rrn': the training dates span {last - first + 1} days, one bucket of bucket_days "
            f"{bucket_days}; expected at least two buckets, since a state serves the buckets after it. "
            "A data set leaves the model out with `final: {models: {RRN: null}}`"
        )
    return first, n_buckets
