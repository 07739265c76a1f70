"""What an autoencoder takes from every rating before it sees it, and adds to what it predicts: b_ui."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deeprec.data.matrix import BLOCK_RATINGS, RatingMatrix
from deeprec.data.sparse import SparseRows
from deeprec.models.bias import fit_biases, item_means, new_user_biases
from deeprec.settings.autoencoder import AutoEncoderSettings

MEANS_L2 = 5.0  # ratings of μ that a mean counts beside its own
PREFIX = "center."  # of its tensors in a checkpoint
KEPT = ("user", "item", "mean")  # there


@dataclass(frozen=True)
class Center:
    """b_ui as a sum of μ, a user's value and an item's, stars, and which of them have training ratings."""

    user: Tensor  # (n_users,)
    item: Tensor  # (n_items,)
    mean: Tensor  # ()
    rated_user: Tensor  # (n_users,), 1 where there are training ratings, else 0
    rated_item: Tensor  # (n_items,), likewise
    by_item: bool  # whether the rows of vectors are items
    l2_user: float | None  # what holds a user's value near 0; None where it is 0

    def of(self, x: SparseRows, rows: Tensor) -> Tensor:
        """Return b_ui at the entries of some rows, (n,), given which rows of the matrix they are."""
        by_row, by_column = (self.item, self.user) if self.by_item else (self.user, self.item)
        return self.mean + x.spread(by_row[rows.to(self.mean.device)], by_column)

    def added_to(self, y: Tensor, at: SparseRows, rows: Tensor) -> Tensor:
        """Return y + b_ui at the entries of some rows, (n,); b_ui alone where the user or the item is not rated."""
        by_row, by_column = (self.rated_item, self.rated_user) if self.by_item else (self.rated_user, self.rated_item)
        rated = at.spread(by_row[rows.to(self.mean.device)], by_column) == 2
        return y * rated + self.of(at, rows)

    def added_to_all(self, y: Tensor, users: Tensor) -> Tensor:
        """Return y + b_ui for some users and all items, (n, n_items), likewise."""
        users = users.to(self.mean.device)
        return y * self.rated_user[users, None] * self.rated_item + self.mean + self.user[users, None] + self.item

    def for_new(self, ratings: RatingMatrix) -> "Center":
        """Return it for new users, a row of ratings each, in place of those of the training part (users as rows)."""
        w = {"mean": self.mean, "item_bias": self.item}
        user = torch.zeros(ratings.n_rows, device=self.mean.device)
        if self.l2_user is not None:
            user = new_user_biases(ratings, w, self.l2_user)
        return replace(self, user=user, rated_user=(ratings.offsets.diff() > 0).float(), by_item=False)

    def weights(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps."""
        return {f"{PREFIX}{name}": getattr(self, name) for name in KEPT}

    def with_weights(self, weights: dict[str, Any]) -> "Center":
        """Return it with a checkpoint's values."""
        return replace(self, **{name: weights[f"{PREFIX}{name}"].to(self.mean.device) for name in KEPT})


def center_of(settings: AutoEncoderSettings, train: RatingMatrix) -> Center | None:
    """Return what `center` names, given the users' rows of ratings; None where nothing is taken from a rating."""
    if settings.center == "none":
        return None
    biases = settings.center == "biases"
    if biases:
        found = fit_biases(train, settings)
        mean, user, item = (found[name].float() for name in ("mean", "user_bias", "item_bias"))
    else:
        item = item_means(train, MEANS_L2)
        mean, user = torch.zeros((), device=item.device), torch.zeros(train.n_rows, device=item.device)
    rated_item = torch.zeros_like(item)
    for part in train.columns.split(BLOCK_RATINGS):
        rated_item[part.long()] = 1.0
    rated_user = (train.offsets.diff() > 0).float()
    return Center(
        user, item, mean, rated_user, rated_item, settings.rows == "items", settings.l2_user if biases else None
    )
