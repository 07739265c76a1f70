"""RRN's settings."""

from typing import ClassVar

from deeprec.settings.base import ModelSettings, setting
from deeprec.settings.bias import StartingBiases


class RrnSettings(StartingBiases, ModelSettings):
    """What defines a recurrent recommender network (Wu et al. 2017). No library has it; λ is searched as PMF's."""

    model: ClassVar[str] = "rrn"
    learner: ClassVar[str] = "deeprec.models.rrn:RrnLearner"
    million_seconds: ClassVar[float] = 11.2
    dated: ClassVar[bool] = True

    bucket_days: int = setting(7, "width of a time bucket", unit="days", ge=1, search={"choices": [3, 7, 14, 30]})
    embedding: int = setting(16, "size of an LSTM's input", ge=1, search={"choices": [8, 16, 32, 64]})
    hidden: int = setting(16, "size of an LSTM's state", ge=1, search={"choices": [8, 16, 32, 64]})
    dynamic_rank: int = setting(
        8, "number of factors that follow from the states", ge=1, search={"choices": [4, 8, 16, 32]}
    )
    rank: int = setting(8, "number of stationary factors", ge=0, search={"choices": [4, 8, 16, 32]})
    init_std: float = setting(0.1, "standard deviation of the first factors and embeddings", gt=0)
    l2: float = setting(
        0.03, "L2 penalty of the biases and stationary factors, once a rating", ge=0,
        search={"log_uniform": [0.002, 0.2]},
    )  # fmt: skip
    weight_decay: float = setting(
        0.0002, "L2 penalty of all parameters", ge=0, search={"log_uniform": [0.00001, 0.001]}
    )
    lr: float = setting(0.02, "learning rate", gt=0, search={"log_uniform": [0.001, 0.1]})
    batch_size: int = setting(
        4096, "of a step, about: a step takes users or items whole", unit="ratings", ge=1,
        search={"choices": [1024, 2048, 4096, 8192]},
    )  # fmt: skip
    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(20, "each trains the users' side and then the items'", ge=1)

    def n_steps(self, n_users: int, n_items: int, n_ratings: int) -> int:
        """Return the batches of ratings in an epoch, which sees each rating from both sides."""
        return -(-2 * n_ratings // self.batch_size)
