"""The bias-only model's settings, and those of the biases that other models start from."""

from typing import ClassVar

from deeprec.settings.base import ModelSettings, Settings, setting


class BiasPenalties(Settings):
    """How strongly biases are held near 0."""

    # scikit-surprise has 15 and 10.
    l2_user: float = setting(
        5.0, "L2 penalty of the users' biases", unit="ratings", ge=0, search={"log_uniform": [0.5, 50]}
    )
    l2_item: float = setting(
        2.0, "L2 penalty of the items' biases", unit="ratings", gt=0, search={"log_uniform": [0.5, 50]}
    )


class BiasSettings(BiasPenalties, ModelSettings):
    """What defines a bias-only model, μ + b_u + b_i (Koren 2009)."""

    model: ClassVar[str] = "bias"
    learner: ClassVar[str] = "deeprec.models.bias:BiasLearner"
    million_seconds: ClassVar[float] = 0.06

    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(10, "sweeps over the items' biases and the users'; it converges in a few", ge=1)


class StartingBiases(BiasPenalties):
    """What defines the biases that a model is built upon."""

    bias_epochs: int = setting(10, "sweeps of the biases that this model starts from", ge=1)
