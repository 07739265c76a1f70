"""The deep autoencoder (DeepRec) and its loss: sections 2.1-2.3 of the paper, slides 7 and 19-21."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeprec.data.sparse import SparseRows, input_layer, output_layer
from deeprec.settings.autoencoder import AutoEncoderSettings

# Name -> (function, whether the decoder's last layer applies it too). The bounded ones leave the last layer
# linear, since sigmoid and tanh cannot reach ratings that run from 1 to 5.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
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
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
BF16_PROCESSORS = ("avx512_bf16", "amx_bf16", "bf16")  # what a processor that multiplies in bfloat16 has, one of them
COMPLETED_AT_ONCE = 4096  # columns of the output


def computes_bf16(device: torch.device) -> bool:
    """Return whether a device multiplies in bfloat16; a processor that does not imitates it, many times as slow."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    has = torch.cpu.get_capabilities()
    return any(has.get(name) for name in BF16_PROCESSORS)


class AutoEncoder(nn.Module):
    """Fully connected encoder `f(Wx + b)` and a decoder that mirrors it.

    `n_columns` is the length of the input and output vectors: the number of items, where users are completed. Of the
    settings, it takes `hidden`, `activation`, `last_activation`, `constrained`, `dropout` (of the code), `output_scale`
    and `precision` (in which training multiplies dense matrices; weights stay float32).
    """

    def __init__(self, n_columns: int, settings: AutoEncoderSettings):
        super().__init__()
        pairs = list(pairwise([n_columns, *settings.hidden]))
        # Both sides' weights lie with the larger side first, so that an item's are together: the encoder computes
        # x W + b, the decoder z Wᵀ + b, and a constrained decoder takes the encoder's very tensor.
        self.encode_w = nn.ParameterList(nn.Parameter(torch.empty(pair)) for pair in pairs)
        self.encode_b = nn.ParameterList(nn.Parameter(torch.zeros(n_out)) for _, n_out in pairs)
        self.decode_b = nn.ParameterList(nn.Parameter(torch.zeros(n_in)) for n_in, _ in reversed(pairs))
        self.decode_w = None
        if not settings.constrained:
            self.decode_w = nn.ParameterList(nn.Parameter(torch.empty(pair)) for pair in reversed(pairs))
        self.activation, on_last = ACTIVATIONS[settings.activation]
        last = settings.activation if on_last else "identity"
        self.last_name = last if settings.last_activation == "same" else settings.last_activation
        self.last_activation = ACTIVATIONS[self.last_name][0]
        self.dropout = nn.Dropout(settings.dropout)
        self.precision = PRECISIONS[settings.precision]
        for w in self.weight_matrices():
            nn.init.xavier_uniform_(w)
        with torch.no_grad():
            self._decoder[-1][0].mul_(settings.output_scale)

    def weight_matrices(self) -> list[Tensor]:
        """Return all weights but the biases, the encoder's first; a constrained decoder has none of its own."""
        return [*self.encode_w, *(self.decode_w or [])]

    def biases(self) -> list[Tensor]:
        """Return all layers' biases."""
        return [*self.encode_b, *self.decode_b]

    @torch.no_grad()
    def start_at(self, means: Tensor) -> None:
        """Begin near ratings `means` (n_columns,), not negative, whoever the user: the last layer's biases are set to
        them, beside weights that `output_scale` should make small."""
        _, b = self._decoder[-1]
        # The last activation's inverse by bisection: it rises from 0 on, to at least half its argument.
        low, high = torch.zeros_like(b), 2 * means.max().expand_as(b)
        for _ in range(30):
            b.copy_((low + high) / 2)
            below = self.last_activation(b) < means
            low, high = torch.where(below, b, low), torch.where(below, high, b)

    def encode(self, x: Tensor | SparseRows) -> Tensor:
        """Return the code z (batch, hidden[-1]) of rating vectors x (batch, n_columns), sparse or dense."""
        first, *inner = zip(self.encode_w, self.encode_b, strict=True)
        h = input_layer(x, *first) if isinstance(x, SparseRows) else self._affine(x, *first)
        z = self.activation(h)
        for w, b in inner:
            z = self.activation(self._affine(z, w, b))
        return z

    def hidden(self, z: Tensor) -> Tensor:
        """Return the decoder's last hidden layer h (batch, hidden[0]) from the code z; z itself with one layer."""
        for w, b in self._decoder[:-1]:
            z = self.activation(self._affine(z, w.T, b))
        return z

    def output(self, h: Tensor, at: SparseRows | None = None) -> Tensor:
        """Return ratings from the last hidden layer: (batch, n_columns), or (n,) where `at` has entries only."""
        w, b = self._decoder[-1]
        # W hᵀ, turned: the product alone takes two thirds of h Wᵀ's time where the outputs are many.
        y = self._affine(w, h.T, b[:, None]).T if at is None else output_layer(h.float(), w, b, at)
        return self.last_activation(y)

    @torch.no_grad()
    def complete(self, x: Tensor | SparseRows) -> Tensor:
        """Return f(x) without dropout, (batch, n_columns), to be read by people rather than learnt from."""
        h, (w, b) = self.hidden(self.encode(x)), self.last_layer
        # Some columns at a time, which stay in the cache: all at once takes 1.5 times as long for 17,770.
        blocks = zip(w.split(COMPLETED_AT_ONCE), b.split(COMPLETED_AT_ONCE), strict=True)
        return torch.cat([self.last_activation(torch.addmm(b, h, w.T)) for w, b in blocks], 1)

    @property
    def last_layer(self) -> tuple[Tensor, Tensor]:
        """The output layer's weights (n_columns, hidden[0]) and biases (n_columns,)."""
        return self._decoder[-1]

    @property
    def _decoder(self) -> list[tuple[Tensor, Tensor]]:
        return list(zip(self.decode_w or reversed(self.encode_w), self.decode_b, strict=True))

    def _affine(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        # The weights are rounded anew each time: a copy kept over an update (as autocast's cache does) is stale.
        kind = self.precision if self.training else PRECISIONS["fp32"]
        return torch.addmm(b.to(kind), x.to(kind), w.to(kind))

    def forward(self, x: Tensor | SparseRows, at: SparseRows | None = None) -> Tensor:
        """Return f(x), decoded from dropout(encode(x)): (batch, n_columns), or (n,) where `at` has entries only."""
        return self.output(self.hidden(self.dropout(self.encode(x))), at)
