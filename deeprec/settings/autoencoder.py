"""DeepRec's settings; the defaults are those of the authors."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from deeprec.settings.base import ModelSettings, setting
from deeprec.settings.bias import StartingBiases

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


LINEAR_ENDS = ("identity", "lrelu")  # reach every rating less its center, of either sign


class AutoEncoderSettings(StartingBiases, ModelSettings):
    """What defines a training of the deep autoencoder; its biases are those that `center: biases` takes away."""

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
    rows: Literal["users", "items"] = setting(
        "users", "whose vectors are completed", search={"choices": ["users", "items"]}
    )
    center: Literal["none", "means", "biases"] = setting(
        "none", "what is taken from each rating and added to each prediction: the item's mean, or μ + b_u + b_i"
    )
    input_offset: float = setting(
        0.0, "added to each rating of the input, less its center: what differs from 0 says who rated what",
        unit="stars", search={"uniform": [0, 4]},
    )  # fmt: skip
    input_noise: float = setting(
        0.0, "probability to drop a rating of the input (denoising)", ge=0, lt=1, search={"uniform": [0, 0.8]}
    )
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
        0.0, "the same over all training ratings, so that it means the same on every data set", unit="stars²", ge=0,
        search={"log_uniform": [1, 1000]},
    )  # fmt: skip
    l2_biases: bool = setting(True, "whether both penalties hold the biases of the network's layers, too")
    lr_milestones: list[Size] = setting(
        [24, 36, 48, 66, 72], "the learning rate is multiplied by lr_decay after so many epochs", unit="epochs"
    )
    lr_decay: float = setting(0.5, "what the learning rate is multiplied by at a milestone", gt=0, le=1)
    lr_ratings: int = setting(
        0, "where rows have more ratings than this, on average, the learning rate is lower in proportion; 0: nowhere",
        unit="ratings a row", ge=0,
    )  # fmt: skip
    batch_size: int = setting(128, "of a step", unit="rows", ge=1, search={"choices": [64, 128, 256, 512]})
    max_steps: int = setting(
        0, "an epoch has no more steps than this, for batches grow with the rows from batch_size on; 0: no limit", ge=0
    )
    output_start: Literal["random", "means"] = setting(
        "random", "the output layer's biases: 0 beside random weights, or the columns' mean ratings",
        search={"choices": ["random", "means"]},
    )  # fmt: skip
    output_scale: float = setting(1.0, "what the output layer's first weights are multiplied by", gt=0)
    ema_epochs: float = setting(
        0.0, "horizon of an exponential mean of the weights, which predicts in their place; 0: none",
        unit="epochs", ge=0, search={"choices": [0.0, 1.0, 2.0, 4.0, 8.0]},
    )  # fmt: skip
    clip: bool = setting(False, "predictions are moved into the range of the training ratings")
    precision: Literal["fp32", "bf16"] = setting(
        "fp32", "of training's products of dense matrices; bf16 is fp32 where the CPU or GPU does not compute in it"
    )
    compiled: bool = setting(
        False, "for a GPU: re-fed passes go through torch's compiler and CUDA graphs; a CPU is slower with it"
    )
    drop_last: bool = setting(False, "leave out an epoch's last, incomplete batch, as the original does")
    epochs: int = setting(100, "passes over the rows", ge=1)

    @model_validator(mode="after")
    def _check_center(self) -> Self:
        last = self.activation if self.last_activation == "same" else self.last_activation
        linear = last in LINEAR_ENDS or (self.last_activation == "same" and last in ("sigmoid", "tanh"))
        if self.center != "none" and not linear:
            raise ValueError(
                f"last_activation: found {self.last_activation!r} ({last}) with center {self.center!r}; expected one "
                f"of {', '.join(LINEAR_ENDS)}, for a rating less its center is as often below 0"
            )
        if self.center != "none" and self.output_start == "means":
            raise ValueError(
                f"output_start: found 'means' with center {self.center!r}; expected 'random', since about 0 is left "
                "of the means"
            )
        return self

    def lr_share(self, n_rows: int, n_ratings: int) -> float:
        """Return what the learning rate is multiplied by, in (0, 1].

        A step of Adam moves each weight by about the learning rate, so a first hidden unit by as much for every rating
        of the row: rows of a thousand are thrown far beyond where tanh tells one from another.
        """
        return min(1.0, self.lr_ratings * n_rows / n_ratings) if self.lr_ratings else 1.0

    def rows_a_step(self, n_rows: int) -> int:
        """Return the rows of a step: batch_size, or as many more as max_steps asks for."""
        return max(self.batch_size, -(-n_rows // self.max_steps)) if self.max_steps else self.batch_size

    def n_steps(self, n_users: int, n_items: int, n_ratings: int) -> int:
        """Return the batches of rows in an epoch."""
        n_rows = n_items if self.rows == "items" else n_users
        return -(-n_rows // self.rows_a_step(n_rows))

    def training_mb(self, size_mb: float) -> int:
        """Return the MB that a training takes, by the size of its split's files."""
        # Over items, the weights are many per user, with momenta and gradients: more than any model's ratings take.
        return round(2000 + (45 if self.rows == "items" else 15) * size_mb)

    def epoch_seconds(self, millions: float) -> float:
        """Return the seconds of an epoch on one core: the two large layers' products and those of each re-feeding."""
        return 0.01 * max(self.hidden[0], 128) * (1 + 1.5 * self.refeed) * millions
