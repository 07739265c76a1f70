"""A stand-in with the authors' interface, written for tests: a plain dense autoencoder."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn


def masked(outputs, targets):
    mask = (targets != 0).float()
    return ((outputs * mask - targets) ** 2).sum(), mask.sum()


class AutoEncoder(nn.Module):
    def __init__(self, sizes, activation, dropout):
        super().__init__()
        self.activation, self.dropout = getattr(F, activation), dropout
        pairs, back = list(pairwise(sizes)), list(pairwise(sizes[::-1]))
        for side, layers in (("encode", pairs), ("decode", back)):
            weights = [nn.init.xavier_uniform_(torch.empty(out, width)) for width, out in layers]
            setattr(self, f"{side}_w", nn.ParameterList(map(nn.Parameter, weights)))
            setattr(self, f"{side}_b", nn.ParameterList(nn.Parameter(torch.zeros(out)) for _, out in layers))

    def forward(self, x):
        for w, b in zip(self.encode_w, self.encode_b, strict=True):
            x = self.activation(F.linear(x, w, b))
        x = F.dropout(x, self.dropout, self.training)
        for w, b in zip(self.decode_w, self.decode_b, strict=True):
            x = self.activation(F.linear(x, w, b))
        return x
