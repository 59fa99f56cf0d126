"""The Deep_Emotion network in PyTorch: the reference that every other engine is held to."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F

LABELS = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"]


@dataclass(frozen=True)
class Shape:
    """Channel counts; the defaults are the published network (66,877 parameters)."""

    loc: Tuple[int, int] = (8, 10)
    loc_hidden: int = 32
    conv: Tuple[int, int, int, int] = (10, 10, 10, 10)
    hidden: int = 50

    @staticmethod
    def of(spec: Optional[dict]) -> "Shape":
        spec = dict(spec or {})
        for key in ("loc", "conv"):
            if key in spec:
                spec[key] = tuple(spec[key])
        return Shape(**spec)

    def as_dict(self) -> dict:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


class DeepEmotion(nn.Module):
    """Input [N,1,48,48] in -1..1, output logits [N,7].

    `aux_norm` adds a BatchNorm behind every other convolution and fc1 while training; `folded()`
    returns the plain network that computes the same in eval mode.
    """

    AUX = ("localization.0", "localization.3", "conv1", "conv2", "conv3", "fc1")

    def __init__(self, shape: Shape = Shape(), align_corners: bool = False, dropout: float = 0.0,
                 aux_norm: bool = False):
        super().__init__()
        self.shape, self.align_corners, self.dropout = shape, align_corners, dropout
        l1, l2 = shape.loc
        c1, c2, c3, c4 = shape.conv
        self.localization = nn.Sequential(
            nn.Conv2d(1, l1, 7), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(l1, l2, 5), nn.MaxPool2d(2), nn.ReLU())
        self.fc_loc = nn.Sequential(nn.Linear(l2 * 64, shape.loc_hidden), nn.ReLU(), nn.Linear(shape.loc_hidden, 6))
        self.conv1 = nn.Conv2d(1, c1, 3)
        self.conv2 = nn.Conv2d(c1, c2, 3)
        self.conv3 = nn.Conv2d(c2, c3, 3)
        self.conv4 = nn.Conv2d(c3, c4, 3)
        self.norm = nn.BatchNorm2d(c4)
        self.fc1 = nn.Linear(c4 * 81, shape.hidden)
        self.fc2 = nn.Linear(shape.hidden, 7)
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
        self.aux = nn.ModuleDict()
        if aux_norm:
            for name, size in zip(self.AUX, (l1, l2, c1, c2, c3, shape.hidden)):
                kind = nn.BatchNorm1d if name == "fc1" else nn.BatchNorm2d
                self.aux[name.replace(".", "_")] = kind(size)

    def _aux(self, name: str, x: torch.Tensor) -> torch.Tensor:
        key = name.replace(".", "_")
        return self.aux[key](x) if key in self.aux else x

    def theta(self, x: torch.Tensor) -> torch.Tensor:
        """[N,1,48,48] -> the sampler's affine map [N,2,3]."""
        loc = self.localization
        h = F.relu(F.max_pool2d(self._aux("localization.0", loc[0](x)), 2))
        # the 17th row and column never reach the pool: leave them out of the auxiliary statistics too
        h = F.relu(F.max_pool2d(self._aux("localization.3", loc[3](h)[:, :, :16, :16]), 2))
        return self.fc_loc(h.flatten(1)).view(-1, 2, 3)

    def sample(self, x: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        grid = F.affine_grid(theta, list(x.shape), align_corners=self.align_corners)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=self.align_corners)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """[N,1,48,48] after the sampler -> [N, c4*81]."""
        h = F.relu(self._aux("conv1", self.conv1(x)))
        h = F.relu(F.max_pool2d(self._aux("conv2", self.conv2(h)), 2))
        h = F.relu(self._aux("conv3", self.conv3(h)))
        h = F.relu(F.max_pool2d(self.norm(self.conv4(h)), 2))
        return h.flatten(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.features(self.sample(x, self.theta(x)))
        # `training=` matters: the public implementation leaves it out and so drops units while testing
        h = F.dropout(h, self.dropout, training=self.training)
        return self.fc2(F.relu(self._aux("fc1", self.fc1(h))))

    def public_state(self) -> dict:
        """state_dict without auxiliary tensors, under the public names."""
        return {k: v.detach().clone() for k, v in self.state_dict().items() if not k.startswith("aux.")}

    def folded(self) -> "DeepEmotion":
        """The plain network with every auxiliary norm multiplied into the layer before it."""
        plain = DeepEmotion(self.shape, self.align_corners)
        state = {k: v.double() for k, v in self.public_state().items() if v.is_floating_point()}
        for name in self.AUX:
            key = name.replace(".", "_")
            if key not in self.aux:
                continue
            bn = self.aux[key]
            k = bn.weight.double() / torch.sqrt(bn.running_var.double() + bn.eps)
            w = state[name + ".weight"]
            state[name + ".weight"] = w * k.view(-1, *[1] * (w.dim() - 1))
            state[name + ".bias"] = (state[name + ".bias"] - bn.running_mean.double()) * k + bn.bias.double()
        full = plain.state_dict()
        full.update({k: v.float() for k, v in state.items()})
        plain.load_state_dict(full)
        return plain.eval()


def shape_of_state(state: dict) -> Shape:
    """Reads the channel counts off a state_dict."""
    n = lambda k: int(state[k + ".weight"].shape[0])
    return Shape((n("localization.0"), n("localization.3")), n("fc_loc.0"),
                 (n("conv1"), n("conv2"), n("conv3"), n("conv4")), n("fc1"))


def load(path: str, align_corners: bool = False) -> DeepEmotion:
    """A saved state_dict, or {"state_dict": ..., "align_corners": ...}, as an eval-mode network."""
    saved = torch.load(path, map_location="cpu")
    if "state_dict" in saved:
        align_corners, saved = saved.get("align_corners", align_corners), saved["state_dict"]
    net = DeepEmotion(shape_of_state(saved), align_corners)
    net.load_state_dict(saved, strict=False)
    return net.eval()
