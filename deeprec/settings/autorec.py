"""AutoRec's settings."""

from typing import ClassVar, Literal

from deeprec.settings.base import ModelSettings, setting


class AutoRecSettings(ModelSettings):
    """What defines an AutoRec: an autoencoder with one sigmoid layer and a linear output (Sedhain et al. 2015)."""

    model: ClassVar[str] = "autorec"
    learner: ClassVar[str] = "deeprec.models.autorec:AutoRecLearner"
    million_seconds: ClassVar[float] = 1.1

    rows: Literal["items", "users"] = setting(
        "items", "whose vectors are completed: items' (I-AutoRec) or users' (U-AutoRec)"
    )
    hidden: int = setting(
        500, "size of the hidden layer", ge=1, search={"choices": [16, 32, 64, 128, 256, 512]}
    )  # the authors: up to 500
    l2: float = setting(
        100.0, "L2 penalty λ of the weights, over all training ratings", unit="stars²", ge=0,
        search={"log_uniform": [1, 1000]},
    )  # fmt: skip
    optimizer: Literal["sgd", "adam"] = setting("adam", "SGD (with momentum) or Adam")
    lr: float = setting(
        0.001, "learning rate", gt=0, search={"log_uniform": [0.0001, 0.01]}
    )  # Adam's own default in the middle
    momentum: float = setting(0.9, "of SGD", ge=0, lt=1)
    batch_size: int = setting(
        128, "of a step", unit="items or users", ge=1, search={"choices": [32, 64, 128, 256, 512]}
    )
    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(80, "passes over the items or users", ge=1)

    def n_steps(self, n_users: int, n_items: int, n_ratings: int) -> int:
        """Return the batches of rows in an epoch."""
        return -(-(n_items if self.rows == "items" else n_users) // self.batch_size)

    def training_mb(self, size_mb: float) -> int:
        """Return the MB that a training takes, by the size of its split's files."""
        # Over items, the weights are many per user, with momenta and gradients: more than any model's ratings take.
        return round(2000 + (45 if self.rows == "items" else 15) * size_mb)
