"""PCA's settings."""

from typing import ClassVar

from deeprec.settings.base import ModelSettings, setting
from deeprec.settings.bias import StartingBiases


class PcaSettings(StartingBiases, ModelSettings):
    """What defines a PCA: a truncated SVD of the ratings less their biases, missing = 0 (slide 6)."""

    model: ClassVar[str] = "pca"
    learner: ClassVar[str] = "deeprec.models.pca:PcaLearner"
    million_seconds: ClassVar[float] = 0.12

    rank: int = setting(
        8, "number of singular vectors, at most the matrix's smaller side", ge=1,
        search={"choices": [2, 4, 8, 16, 32, 64]},
    )  # fmt: skip
    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(10, "subspace iterations", ge=1)
