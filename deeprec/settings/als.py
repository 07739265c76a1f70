"""ALS's settings."""

from typing import ClassVar

from deeprec.settings.base import ModelSettings, setting


class AlsSettings(ModelSettings):
    """What defines an alternating least squares with weighted λ (Zhou et al. 2008)."""

    model: ClassVar[str] = "als"
    learner: ClassVar[str] = "deeprec.models.als:AlsLearner"
    million_seconds: ClassVar[float] = 0.26

    # Spark: 10 factors, λ 0.1 (in MLlib 0.01).
    rank: int = setting(32, "number of factors", ge=1, search={"choices": [4, 8, 16, 32, 64]})
    l2: float = setting(
        0.15, "L2 penalty λ, scaled by a user's or item's number of ratings", gt=0, search={"log_uniform": [0.01, 1]}
    )
    init_std: float = setting(0.1, "standard deviation of the first factors", gt=0, search={"log_uniform": [0.01, 1]})
    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(30, "iterations over users and items", ge=1)
