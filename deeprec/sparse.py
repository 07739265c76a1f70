"""The two layers that touch every item, at the cost of the ratings alone.

A batch of users rates about 1 item in 20 (MovieLens 100K) to 1 in 85 (Netflix). The first layer multiplies a
sparse matrix, and the masked loss (slide 7) reads the last layer at rated items only; both have gradients
that are again products with that sparse matrix. The dense layers beside them are the reference.
"""

import warnings
from copy import copy
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

with warnings.catch_warnings():  # torch says once a process that its CSR tensors are in beta
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor(torch.tensor([0, 0]), torch.tensor([], dtype=torch.long), torch.tensor([]), (1, 1))


class Ratings:
    """Some users' ratings, (n_rows, n_items), as a pattern (which items) and the values there (stars)."""

    def __init__(self, offsets: Tensor, items: Tensor, values: Tensor, n_items: int):
        """Take a CSR matrix: offsets (n_rows + 1,), items (n,) ascending within a row, values (n,) float32."""
        self.offsets, self.items, self.values, self.n_items = offsets.int(), items.int(), values, n_items

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_items)."""
        return len(self.offsets) - 1, self.n_items

    @cached_property
    def _row(self) -> Tensor:
        return torch.repeat_interleave(self.offsets.diff(), output_size=len(self.items)).int()

    @cached_property
    def _by_item(self) -> tuple[Tensor, Tensor, Tensor]:
        """The pattern transposed: offsets (n_items + 1,), rows (n,), and the values' new order (n,)."""
        order = torch.argsort(self.items, stable=True)
        # Not bincount(), which waits for a GPU to learn the largest item.
        counts = self.items.new_zeros(self.n_items + 1).index_add_(0, self.items + 1, torch.ones_like(self.items))
        return counts.cumsum(0, dtype=torch.int32), self._row[order], order

    def pattern(self) -> Tensor:
        """Return a sparse (n_rows, n_items) tensor of zeros where there are ratings."""
        zeros = torch.zeros_like(self.values)
        return torch.sparse_csr_tensor(self.offsets, self.items, zeros, self.shape, check_invariants=False)

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        """Return other values (n,) in the ratings' places, times a dense matrix (n_items, k): (n_rows, k)."""
        return weighted_sums(self.offsets, self.items, values, dense)

    def product_transposed(self, values: Tensor, dense: Tensor) -> Tensor:
        """Return the transpose of values (n,) in the ratings' places, times a dense (n_rows, k): (n_items, k)."""
        offsets, rows, order = self._by_item
        return weighted_sums(offsets, rows, values[order], dense)

    def noisy(self, probability: float) -> "Ratings":
        """Return the ratings with some dropped (set to 0) and the others scaled up (denoising, slide 7)."""
        if not probability:
            return self  # what is known of its pattern is known of x's, the target
        noisy = copy(self)
        noisy.values = F.dropout(self.values, probability)
        return noisy

    def dense(self) -> Tensor:
        """Return the vectors x, (n_rows, n_items), 0 where not rated."""
        x = torch.zeros(self.shape, device=self.values.device)
        x[self._row, self.items] = self.values
        return x


def weighted_sums(offsets: Tensor, columns: Tensor, values: Tensor, dense: Tensor) -> Tensor:
    """Return a CSR matrix, by its offsets, columns and values, times a dense one: (n_rows, k)."""
    # An embedding bag makes one pass over the result, where torch.sparse.mm() makes three (2 to 4 times slower).
    return F.embedding_bag(columns, dense, offsets, mode="sum", per_sample_weights=values, include_last_offset=True)


class _Input(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight: Tensor, x: Ratings) -> Tensor:
        ctx.x = x
        return x.product(x.values, weight)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return ctx.x.product_transposed(ctx.x.values, grad), None


class _Output(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h: Tensor, weight: Tensor, x: Ratings) -> Tensor:
        ctx.x = x
        ctx.save_for_backward(h, weight)
        return torch.sparse.sampled_addmm(x.pattern(), h, weight.T).values()

    @staticmethod
    def backward(ctx, grad: Tensor):
        h, weight = ctx.saved_tensors
        return ctx.x.product(grad, weight), ctx.x.product_transposed(grad, h), None


def input_layer(x: Ratings, weight: Tensor, bias: Tensor) -> Tensor:
    """Return x W + b, (n_rows, n_out), for W (n_items, n_out)."""
    return _Input.apply(weight, x) + bias


def output_layer(h: Tensor, weight: Tensor, bias: Tensor, x: Ratings) -> Tensor:
    """Return h Wᵀ + b at x's ratings only, (n,), for h (n_rows, n_in) and W (n_items, n_in)."""
    return _Output.apply(h, weight, x) + bias[x.items]
