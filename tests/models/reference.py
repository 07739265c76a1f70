"""The paper's model and its training in plain NumPy, float64: an independent second opinion."""

import numpy as np

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def activate(kind: str, v: np.ndarray) -> np.ndarray:
    """The activations by their formulas."""
    negative = np.expm1(np.minimum(v, 0))
    sigmoid = 1 / (1 + np.exp(-v))
    return {
        "sigmoid": sigmoid,
        "relu": np.maximum(v, 0),
        "relu6": np.clip(v, 0, 6),
        "tanh": np.tanh(v),
        "swish": v * sigmoid,
        "elu": np.where(v > 0, v, negative),
        "selu": SELU_SCALE * np.where(v > 0, v, SELU_ALPHA * negative),
        "lrelu": np.where(v > 0, v, 0.01 * v),
        "identity": v,
    }[kind]


def slope(kind: str, v: np.ndarray) -> np.ndarray:
    """Their derivatives, by central differences: no formula to get wrong twice."""
    step = 1e-6
    return (activate(kind, v + step) - activate(kind, v - step)) / (2 * step)


class Reference:
    """Encoder weights (n_in, n_out), decoder weights (n_out, n_in), and backpropagation by hand."""

    def __init__(self, encode_w, encode_b, decode_w, decode_b, kind: str):
        """Take copies of the weights; `decode_w` None makes the decoder constrained."""
        self.encode_w, self.encode_b = [w.copy() for w in encode_w], [b.copy() for b in encode_b]
        self.decode_w = None if decode_w is None else [w.copy() for w in decode_w]
        self.decode_b, self.kind = [b.copy() for b in decode_b], kind

    @property
    def parameters(self) -> list[np.ndarray]:
        return [*self.encode_w, *self.encode_b, *self.decode_b, *(self.decode_w or [])]

    def layers(self):
        decode_w = self.decode_w or reversed(self.encode_w)
        encode_w = [w.T for w in self.encode_w]
        pairs = [*zip(encode_w, self.encode_b, strict=True), *zip(decode_w, self.decode_b, strict=True)]
        last = "identity" if self.kind in ("sigmoid", "tanh") else self.kind
        return [(w, b, last if i + 1 == len(pairs) else self.kind) for i, (w, b) in enumerate(pairs)]

    def forward(self, x: np.ndarray) -> np.ndarray:
        for w, b, kind in self.layers():
            x = activate(kind, x @ w.T + b)
        return x

    def gradients(self, x: np.ndarray, target: np.ndarray, mask: np.ndarray):
        """Return the loss Σ m (target - y)² / Σ m and its gradient for each of `parameters`."""
        inputs, sums = [], []
        y = x
        for w, b, kind in self.layers():
            inputs.append(y)
            sums.append(y @ w.T + b)
            y = activate(kind, sums[-1])
        loss = (mask * (target - y) ** 2).sum() / mask.sum()
        grad = 2 * mask * (y - target) / mask.sum()
        by_layer = []
        for (w, _, kind), before, total in zip(self.layers()[::-1], inputs[::-1], sums[::-1], strict=True):
            grad = grad * slope(kind, total)
            by_layer.append((grad.T @ before, grad.sum(0)))
            grad = grad @ w
        by_layer = by_layer[::-1]
        depth = len(self.encode_w)
        encode_w = [by_layer[i][0].T for i in range(depth)]
        decode_w = [by_layer[depth + i][0] for i in range(depth)]
        if self.decode_w is None:  # a tied weight is used twice, so that both uses add up
            encode_w = [a + b for a, b in zip(encode_w, decode_w[::-1], strict=True)]
        biases = [by_layer[i][1] for i in range(2 * depth)]
        return loss, [*encode_w, *biases[:depth], *biases[depth:], *(decode_w if self.decode_w else [])]


def train_step(model: Reference, velocity: list[np.ndarray], x: np.ndarray, lr: float, momentum: float, refeed: int):
    """One iteration as slides 19-21 describe it; return the loss of its first pass."""
    y = model.forward(x)
    loss, gradients = model.gradients(x, x, x != 0)
    update(model, velocity, gradients, lr, momentum)
    for _ in range(refeed):
        fed, y = y, model.forward(y)
        update(model, velocity, model.gradients(fed, fed, np.ones_like(fed))[1], lr, momentum)
    return loss


def update(model: Reference, velocity: list[np.ndarray], gradients: list[np.ndarray], lr: float, momentum: float):
    for weight, v, gradient in zip(model.parameters, velocity, gradients, strict=True):
        v *= momentum
        v += gradient
        weight -= lr * v
