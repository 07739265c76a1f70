"""What an autoencoder takes from every rating before it sees it, and adds to what it predicts: b_ui."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, RatingMatrix
from deeprec.data.sparse import SparseRows
from deeprec.models.bias import fit_biases, item_means
from deeprec.settings.autoencoder import AutoEncoderSettings

MEANS_L2 = 5.0  # ratings of μ that a mean counts beside its own
PREFIX = "center."  # of its tensors in a checkpoint


@dataclass(frozen=True)
class Center:
    """b_ui as a sum of a row's value and a column's, and which rows and columns have training ratings."""

    row: Tensor  # (n_rows,), stars
    column: Tensor  # (n_columns,), stars
    rated_row: Tensor  # (n_rows,), 1 where it has training ratings, else 0
    rated_column: Tensor  # (n_columns,), likewise

    def of(self, x: SparseRows, rows: Tensor) -> Tensor:
        """Return b_ui at the entries of some rows, (n,), given which rows of the matrix they are."""
        return x.spread(self.row[rows.to(self.row.device)], self.column)

    def added_to(self, y: Tensor, at: SparseRows, rows: Tensor) -> Tensor:
        """Return y + b_ui at the entries of some rows, (n,); b_ui alone where the row or the column is not rated."""
        rated = at.spread(self.rated_row[rows.to(self.row.device)], self.rated_column) == 2
        return y * rated + self.of(at, rows)

    def transpose(self) -> "Center":
        """Return it for rows and columns changed."""
        return Center(self.column, self.row, self.rated_column, self.rated_row)

    def weights(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps."""
        return {f"{PREFIX}row": self.row, f"{PREFIX}column": self.column}

    def with_weights(self, weights: dict[str, Any]) -> "Center":
        """Return it with a checkpoint's values."""
        row, column = (weights[f"{PREFIX}{side}"].to(self.row.device) for side in ("row", "column"))
        return replace(self, row=row, column=column)


def center_of(settings: AutoEncoderSettings, train: RatingMatrix) -> Center | None:
    """Return what `center` names, with users as rows; None where nothing is taken from a rating."""
    if settings.center == "none":
        return None
    if settings.center == "biases":
        found = fit_biases(train, settings)
        row, column = (found["mean"] + found["user_bias"]).float(), found["item_bias"].float()
    else:
        row, column = torch.zeros(train.n_rows, device=train.offsets.device), item_means(train, MEANS_L2)
    rated_column = torch.zeros_like(column)
    for part in train.columns.split(BLOCK_RATINGS):
        rated_column[part.long()] = 1.0
    return Center(row, column, (train.offsets.diff() > 0).float(), rated_column)
