"""The deep autoencoder (DeepRec) and its loss: sections 2.1-2.3 of the paper, slides 7 and 19-21."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Name -> (function, whether the decoder's last layer applies it too). The bounded ones leave the last layer
# linear, since sigmoid and tanh cannot reach ratings that run from 1 to 5.
ACTIVATIONS = {
    "sigmoid": (torch.sigmoid, False),
    "relu": (F.relu, True),
    "relu6": (F.relu6, True),
    "tanh": (torch.tanh, False),
    "swish": (F.silu, True),
    "elu": (F.elu, True),
    "selu": (F.selu, True),
    "lrelu": (F.leaky_relu, True),
    "identity": (lambda x: x, True),
}


class AutoEncoder(nn.Module):
    """Fully connected encoder `f(Wx + b)` and a decoder that mirrors it.

    Args:
        n_items: length of the input and output vectors.
        hidden: sizes of the encoder's layers, the last is the code's: [512, 512, 1024].
        activation: a key of ACTIVATIONS.
        last_activation: activation of the decoder's last layer; "same" applies the rule of ACTIVATIONS.
        constrained: the decoder's weights are the transposes of the encoder's; its biases are its own.
        dropout: probability to drop an element of the code.
        input_noise: probability to drop an element of the input (denoising).
    """

    def __init__(
        self,
        n_items: int,
        hidden: list[int],
        activation: str = "selu",
        last_activation: str = "same",
        constrained: bool = False,
        dropout: float = 0.0,
        input_noise: float = 0.0,
    ):
        super().__init__()
        sizes = [n_items, *hidden]
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.encode_w = nn.ParameterList(nn.Parameter(torch.empty(n_out, n_in)) for n_in, n_out in pairs)
        self.encode_b = nn.ParameterList(nn.Parameter(torch.zeros(n_out)) for _, n_out in pairs)
        self.decode_b = nn.ParameterList(nn.Parameter(torch.zeros(n_in)) for n_in, _ in reversed(pairs))
        self.decode_w = (
            None
            if constrained
            else nn.ParameterList(nn.Parameter(torch.empty(n_in, n_out)) for n_in, n_out in reversed(pairs))
        )
        self.activation, on_last = ACTIVATIONS[activation]
        self.last_activation = self.activation if on_last else ACTIVATIONS["identity"][0]
        if last_activation != "same":
            self.last_activation = ACTIVATIONS[last_activation][0]
        self.dropout, self.noise = nn.Dropout(dropout), nn.Dropout(input_noise)
        for w in [*self.encode_w, *(self.decode_w or [])]:
            nn.init.xavier_uniform_(w)

    def encode(self, x: Tensor) -> Tensor:
        """Return the code z (batch, hidden[-1]) of the rating vectors x (batch, n_items)."""
        for w, b in zip(self.encode_w, self.encode_b, strict=True):
            x = self.activation(F.linear(x, w, b))
        return x

    def decode(self, z: Tensor) -> Tensor:
        """Return a rating for every item, (batch, n_items), from the code z."""
        weights = self.decode_w or [w.T for w in reversed(self.encode_w)]
        *inner, last = zip(weights, self.decode_b, strict=True)
        for w, b in inner:
            z = self.activation(F.linear(z, w, b))
        return self.last_activation(F.linear(z, *last))

    def forward(self, x: Tensor) -> Tensor:
        """Return f(x) = decode(dropout(encode(x))), (batch, n_items)."""
        return self.decode(self.dropout(self.encode(self.noise(x))))


def squared_error(y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return Σ m_i (x_i - y_i)² and Σ m_i with m_i = 1 where x_i ≠ 0: the masked loss's two sums (slide 7)."""
    mask = x != 0
    return ((y - x).square() * mask).sum(), mask.sum()
