"""The two layers that touch every item, at the cost of the ratings alone.

A batch of users rates about 1 item in 20 (MovieLens 100K) to 1 in 85 (Netflix). The first layer multiplies a
sparse matrix, and the masked loss (slide 7) reads the last layer at rated items only; both have gradients
that are again products with that sparse matrix. The dense layers beside them are the reference.
"""

from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class Pattern:
    """Which columns some rows have, as a CSR matrix: offsets (n_rows + 1,), columns (n,) ascending within a row."""

    def __init__(self, offsets: Tensor, columns: Tensor, n_columns: int):
        self.offsets, self.columns, self.n_columns = offsets.int(), columns.int(), n_columns

    @cached_property
    def row(self) -> Tensor:
        """Each entry's row, (n,)."""
        return torch.repeat_interleave(self.offsets.diff(), output_size=len(self.columns)).int()

    @cached_property
    def by_column(self) -> tuple[Tensor, Tensor, Tensor]:
        """The pattern transposed: offsets (n_columns + 1,), rows (n,), and the values' new order (n,)."""
        order = torch.argsort(self.columns, stable=True)
        # Not bincount(), which waits for a GPU to learn the largest column.
        counts = self.columns.new_zeros(self.n_columns + 1)
        counts = counts.index_add_(0, self.columns + 1, torch.ones_like(self.columns))
        return counts.cumsum(0, dtype=torch.int32), self.row[order], order


class SparseRows:
    """Some rows of a rating matrix, (n_rows, n_columns): a pattern (which columns) and the values there (stars)."""

    def __init__(self, at: Pattern, values: Tensor):
        """Take values (n,) float32, in the order of the pattern's entries."""
        self.at, self.values = at, values

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        return len(self.at.offsets) - 1, self.at.n_columns

    def pattern(self) -> Tensor:
        """Return a sparse (n_rows, n_columns) tensor of zeros where there are ratings."""
        zeros = torch.zeros_like(self.values)
        return torch.sparse_csr_tensor(self.at.offsets, self.at.columns, zeros, self.shape, check_invariants=False)

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        """Multiply the rows, with other `values` (n,), by a dense matrix (n_columns, k): (n_rows, k)."""
        return weighted_sums(self.at.offsets, self.at.columns, values, dense)

    def product_transposed(self, values: Tensor, dense: Tensor) -> Tensor:
        """Multiply the transpose of the rows, with other `values` (n,), by a dense (n_rows, k): (n_columns, k)."""
        offsets, rows, order = self.at.by_column
        return weighted_sums(offsets, rows, values[order], dense)

    def noisy(self, probability: float) -> "SparseRows":
        """Return the rows with some values dropped (set to 0) and the others scaled up (denoising, slide 7)."""
        return SparseRows(self.at, F.dropout(self.values, probability)) if probability else self

    def spread(self, by_row: Tensor, by_column: Tensor) -> Tensor:
        """Return the sum of its row's and its column's value for each entry, (n,), given all rows' and all columns'."""
        return by_row[self.at.row] + by_column[self.at.columns]

    def dense(self) -> Tensor:
        """Return the vectors x, (n_rows, n_columns), 0 where not rated."""
        x = torch.zeros(self.shape, device=self.values.device)
        x[self.at.row, self.at.columns] = self.values
        return x


def weighted_sums(offsets: Tensor, columns: Tensor, values: Tensor, dense: Tensor) -> Tensor:
    """Return a CSR matrix, by its offsets, columns and values, times a dense one: (n_rows, k)."""
    # An embedding bag makes one pass over the result, where torch.sparse.mm() makes three (2 to 4 times slower).
    return F.embedding_bag(columns, dense, offsets, mode="sum", per_sample_weights=values, include_last_offset=True)


class _Input(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: SparseRows) -> Tensor:
        ctx.x = x
        return x.product(x.values, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.x.product_transposed(ctx.x.values, grad), None


class _Output(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, x: SparseRows) -> Tensor:
        ctx.x = x
        ctx.save_for_backward(h, weight)
        product: Tensor = torch.sparse.sampled_addmm(x.pattern(), h, weight.T)
        return product.values()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        h, weight = ctx.saved_tensors
        return ctx.x.product(grad, weight), ctx.x.product_transposed(grad, h), None


def input_layer(x: SparseRows, weight: Tensor, bias: Tensor) -> Tensor:
    """Return x W + b, (n_rows, n_out), for W (n_columns, n_out)."""
    product: Tensor = _Input.apply(weight, x)  # type: ignore[no-untyped-call]
    return product + bias


def output_layer(h: Tensor, weight: Tensor, bias: Tensor, x: SparseRows) -> Tensor:
    """Return h Wᵀ + b at x's ratings only, (n,), for h (n_rows, n_in) and W (n_columns, n_in)."""
    product: Tensor = _Output.apply(h, weight, x)  # type: ignore[no-untyped-call]
    return product + bias[x.at.columns]
