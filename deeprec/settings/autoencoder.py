"""DeepRec's settings; the defaults are those of the authors."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from deeprec.settings.base import ModelSettings, setting

Activation = Literal["sigmoid", "relu", "relu6", "tanh", "swish", "elu", "selu", "lrelu", "identity"]
Size = Annotated[int, Field(ge=1)]

# The shapes that the paper tries: widths (slide 13), depths (slide 15) and those of the final table (slide 22).
SHAPES = [
    *([width] for width in (128, 256, 512, 1024)),
    *([128] * depth for depth in range(2, 7)),
    [128, 256, 256],
    [256, 256, 512],
    [512, 512, 1024],
]


class AutoEncoderSettings(ModelSettings):
    """What defines a training of the deep autoencoder."""

    model: ClassVar[str] = "autoencoder"
    learner: ClassVar[str] = "deeprec.models.autoencoder:AutoEncoderLearner"
    shared: ClassVar[bool] = True

    hidden: list[Size] = setting(
        [128, 128], "sizes of the encoder's layers, the code's last; the decoder mirrors them; or a shape's name",
        min_length=1, search={"choices": SHAPES},
    )  # fmt: skip
    activation: Activation = setting(
        "selu", "of every layer but perhaps the last", search={"choices": ["elu", "selu", "lrelu"]}
    )
    last_activation: Activation | Literal["same"] = setting(
        "same", "of the output layer; `same` leaves it linear for sigmoid and tanh only"
    )
    constrained: bool = setting(False, "the decoder's weights are the encoder's, transposed")
    dropout: float = setting(
        0.0, "probability to drop an element of the code", ge=0, lt=1, search={"uniform": [0, 0.9]}
    )  # the paper: 0 to 0.8
    input_noise: float = setting(0.0, "probability to drop a rating of the input (denoising)", ge=0, lt=1)
    refeed: int = setting(0, "dense re-feeding passes an iteration", ge=0, search={"choices": [0, 1, 2]})
    refeed_noise: float = setting(0.0, "probability to drop an element of a re-fed vector", ge=0, lt=1)
    optimizer: Literal["sgd", "adam"] = setting("sgd", "SGD (with momentum) or Adam")
    lr: float = setting(
        0.001, "learning rate of the first epoch", gt=0, search={"log_uniform": [0.001, 0.1]}
    )  # the paper: 0.001 and 0.005
    momentum: float = setting(0.9, "of SGD", ge=0, lt=1, search={"uniform": [0.5, 0.95]})
    weight_decay: float = setting(
        0.0, "L2 penalty of all weights, beside a step's mean squared error", ge=0, search={"log_uniform": [1e-5, 0.01]}
    )
    l2: float = setting(
        0.0, "the same over all training ratings, so that it means the same on every data set", unit="stars²", ge=0
    )
    lr_milestones: list[Size] = setting(
        [24, 36, 48, 66, 72], "the learning rate is multiplied by lr_decay after so many epochs", unit="epochs"
    )
    lr_decay: float = setting(0.5, "what the learning rate is multiplied by at a milestone", gt=0, le=1)
    batch_size: int = setting(128, "of a step", unit="users", ge=1, search={"choices": [64, 128, 256, 512]})
    output_start: Literal["random", "means"] = setting(
        "random", "of the output layer: random weights, or small ones and the items' mean ratings as biases"
    )
    precision: Literal["fp32", "bf16"] = setting(
        "fp32", "of training's products of dense matrices; bf16 where the CPU or GPU computes in it"
    )
    drop_last: bool = setting(False, "leave out an epoch's last, incomplete batch, as the original does")
    epochs: int = setting(100, "passes over the users", ge=1)

    def n_steps(self, n_users: int, n_items: int, n_ratings: int) -> int:
        """Return the batches of users in an epoch."""
        return -(-n_users // self.batch_size)
