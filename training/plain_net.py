"""A plain 3x3 network: groups of convolutions, each with batch norm and ReLU, a max-pool behind every group."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import torch
import torch.nn as nn

from winograd import fast_features


@dataclass(frozen=True)
class PlainShape:
    """Channels of each group and units of the hidden dense layer; the defaults have 2,345,319 parameters and 139 M multiply-adds at 48x48.

    Multiples of 32 train twice as fast on a CPU.
    """

    groups: Tuple[Tuple[int, ...], ...] = ((32,), (64, 64), (128, 128, 128), (256, 256, 256))
    hidden: int = 192

    @staticmethod
    def of(spec: dict) -> "PlainShape":
        spec = dict(spec)
        if "groups" in spec:
            spec["groups"] = tuple(tuple(g) for g in spec["groups"])
        return PlainShape(**spec)


class PlainNet(nn.Module):
    """[N,1,48,48] in -1..1 -> logits [N,7].

    `channel_drop` drops whole channels after each pool (half as often after the first), `drop` units before the last layer.
    With `by_winograd` it runs through winograd.py (float32 on a CPU).
    """

    def __init__(self, shape: PlainShape = PlainShape(), channel_drop: float = 0.0, drop: float = 0.0):
        super().__init__()
        self.shape = shape
        layers, before, side = [], 1, 48
        for k, group in enumerate(shape.groups):
            for width in group:
                layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                before = width
            layers += [nn.MaxPool2d(2), nn.Dropout2d(channel_drop / 2 if k == 0 else channel_drop)]
            side //= 2
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Linear(before * side * side, shape.hidden)
        self.drop = nn.Dropout(drop)
        self.out = nn.Linear(shape.hidden, 7)
        self.by_winograd = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = (fast_features(self.features, x) if self.by_winograd else self.features(x)).flatten(1)
        return self.out(self.drop(torch.relu(self.hidden(h))))

    def norms(self):
        return [m for m in self.modules() if isinstance(m, nn.BatchNorm2d)]

    def folded(self) -> dict:
        """The same function in eval mode as plain convolutions: float32 tensors `conv1.weight` … `fc2.bias`, PyTorch layouts."""
        state, convs = {}, [m for m in self.features if isinstance(m, nn.Conv2d)]
        for k, (conv, bn) in enumerate(zip(convs, self.norms()), 1):
            scale = bn.weight.double() / torch.sqrt(bn.running_var.double() + bn.eps)
            state[f"conv{k}.weight"] = conv.weight.double() * scale.view(-1, 1, 1, 1)
            state[f"conv{k}.bias"] = bn.bias.double() - bn.running_mean.double() * scale
        for k, dense in enumerate((self.hidden, self.out), 1):
            state[f"fc{k}.weight"], state[f"fc{k}.bias"] = dense.weight, dense.bias
        return {k: v.detach().float().cpu().contiguous() for k, v in state.items()}
