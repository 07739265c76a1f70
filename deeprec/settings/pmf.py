"""PMF's settings."""

from typing import ClassVar, Literal

from deeprec.settings.base import ModelSettings, setting


class PmfSettings(ModelSettings):
    """What defines a probabilistic matrix factorisation (Mnih & Salakhutdinov 2008)."""

    model: ClassVar[str] = "pmf"
    learner: ClassVar[str] = "deeprec.models.pmf:PmfLearner"
    million_seconds: ClassVar[float] = 0.9

    # The authors' code: rank 10, λ 0.005, lr 0.5 for this batch size; scikit-surprise: λ 0.02.
    rank: int = setting(10, "number of factors", ge=1, search={"choices": [4, 8, 16, 32, 64]})
    l2: float = setting(0.1, "L2 penalty λ of both factors of every rating", ge=0, search={"log_uniform": [0.002, 0.2]})
    init_std: float = setting(0.1, "standard deviation of the first factors", gt=0, search={"log_uniform": [0.01, 1]})
    center: bool = setting(False, "subtract the mean rating, as the authors do", search={"choices": [True, False]})
    optimizer: Literal["sgd", "adam"] = setting("sgd", "SGD (with momentum) or Adam")
    lr: float = setting(
        0.5, "learning rate; with SGD it should grow with batch_size", gt=0, search={"log_uniform": [0.05, 2]}
    )
    momentum: float = setting(0.9, "of SGD", ge=0, lt=1)
    batch_size: int = setting(1024, "of a step", unit="ratings", ge=1)
    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(80, "passes over the ratings", ge=1)

    def n_steps(self, n_users: int, n_items: int, n_ratings: int) -> int:
        """Return the batches of ratings in an epoch."""
        return -(-n_ratings // self.batch_size)
