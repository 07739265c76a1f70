"""The sparse layers against the dense ones."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprec.data.matrix import rating_matrix
from deeprec.data.sparse import input_layer, output_layer
from tests.conftest import all_rows, random_matrix

CLOSE = {"rtol": 0, "atol": 1e-4}  # sums in another order, whose terms add up to 80 before they cancel


@given(st.integers(1, 12), st.integers(1, 15), st.floats(0.0, 0.9), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_rows_are_the_matrix_rows(n_users, n_items, density, seed):
    matrix = random_matrix(n_users, n_items, density, seed)
    whole = torch.zeros(n_users, n_items)
    for user in range(n_users):
        for entry in range(int(matrix.offsets[user]), int(matrix.offsets[user + 1])):
            whole[user, int(matrix.columns[entry])] = float(matrix.values[entry])
    assert torch.equal(all_rows(matrix), whole)
    rows = torch.randperm(n_users)[: n_users // 2 + 1]
    batch = matrix.rows(rows)
    assert torch.equal(batch.dense(), whole[rows])
    k = torch.randn(n_items, 3)
    torch.testing.assert_close(batch.product(batch.values, k), whole[rows] @ k, **CLOSE)
    k = torch.randn(len(rows), 3)
    torch.testing.assert_close(batch.product_transposed(batch.values, k), whole[rows].T @ k, **CLOSE)
    assert torch.equal(all_rows(matrix.transpose()), whole.T)


@pytest.mark.parametrize("constrained", [False, True])
def test_layers_and_their_gradients_equal_dense(constrained):
    torch.manual_seed(0)
    matrix = random_matrix(40, 25)
    batch = matrix.rows(torch.randperm(40)[:17])
    x = batch.dense()
    w = torch.randn(25, 6, requires_grad=True)
    out_w = w if constrained else torch.randn(25, 6, requires_grad=True)
    b, out_b = torch.randn(6, requires_grad=True), torch.randn(25, requires_grad=True)
    leaves = [w, b, out_b] if constrained else [w, b, out_b, out_w]
    dense = F.linear(torch.tanh(x @ w + b), out_w, out_b)
    sparse = output_layer(torch.tanh(input_layer(batch, w, b)), out_w, out_b, batch)
    torch.testing.assert_close(sparse, dense[x != 0], **CLOSE)
    weights = torch.randn(len(sparse))
    expected = torch.autograd.grad((dense[x != 0] * weights).sum(), leaves)
    found = torch.autograd.grad((sparse * weights).sum(), leaves)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, **CLOSE)


def test_user_without_ratings_is_a_row_of_zeros():
    user, item, rating = (torch.tensor(v).numpy() for v in ([1], [2], [5]))
    matrix = rating_matrix(user.astype("int32"), item.astype("int32"), rating.astype("int8"), 3, 4)
    assert torch.equal(all_rows(matrix), torch.tensor([[0.0] * 4, [0, 0, 5, 0], [0] * 4]))
    assert input_layer(matrix.rows(torch.tensor([0])), torch.randn(4, 2), torch.ones(2)).tolist() == [[1, 1]]
