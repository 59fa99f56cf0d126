"""Networks of many operators as ONNX files, with what PyTorch computes: the fixtures of test/golden/onnx.

    python3 training/onnx_fixtures.py test/golden/onnx [name ...]

Weights are drawn, not trained. Those of opsets up to 17 were written by PyTorch 1.13, the others by 2.13 with onnx 1.23 and
onnxscript 0.7: `script` is its TorchScript exporter, `dynamo` the one that is its default now.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Plain(nn.Module):
    """Convolutions with batch norm, pools, a dense head with dropout and a batch norm of its own."""

    size, channels = 48, 1

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 10, 3, stride=2), nn.BatchNorm2d(10), nn.LeakyReLU(0.1), nn.AvgPool2d(3, 2, padding=1),
        )
        self.head = nn.Sequential(
            nn.Linear(10 * 6 * 6, 12), nn.ELU(), nn.BatchNorm1d(12), nn.Dropout(0.5), nn.Linear(12, 7)
        )

    def forward(self, x):
        x = self.features((x - 0.5) / 0.25)
        return self.head(x.view(x.size(0), -1))


class Gate(nn.Module):
    """Squeeze and excite."""

    def __init__(self, channels):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 3, 1), nn.Conv2d(3, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class Mobile(nn.Module):
    """Separable blocks with gates, hard swish and shortcuts; color; ends in probabilities."""

    size, channels = 32, 3

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Hardswish())
        self.wide = nn.Sequential(nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.deep = nn.Sequential(nn.Conv2d(16, 16, 5, padding=2, groups=16, bias=False), nn.BatchNorm2d(16), nn.SiLU())
        self.gate = Gate(16)
        self.narrow = nn.Sequential(nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.last = nn.Conv2d(8, 7, 1)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.narrow(self.gate(self.deep(self.wide(x))))
        return torch.softmax(self.last(x.mean((2, 3), keepdim=True)).flatten(1), dim=1)


class Shuffle(nn.Module):
    """Groups, a channel shuffle, resizes, joins, padding, a pool that rounds up, a matrix without a bias."""

    size, channels = 20, 1

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.slopes = nn.PReLU(8)
        self.groups = nn.Conv2d(8, 12, 3, padding=1, groups=4)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.down = nn.Conv2d(12, 4, 3, stride=2, padding=1, dilation=1)
        self.matrix = nn.Parameter(torch.randn(16, 7) * 0.3)

    def forward(self, x):
        x = self.groups(self.slopes(self.first(x)))
        n, c, h, w = x.shape
        x = x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = self.pool(F.pad(x, (1, 2, 0, 1)))
        small = self.down(x)
        near = F.interpolate(small, scale_factor=2, mode="nearest")
        smooth = F.interpolate(small, size=(10, 12), mode="bilinear", align_corners=False)
        corners = F.interpolate(small, size=(10, 12), mode="bilinear", align_corners=True)
        joined = torch.cat([near, smooth, 2 - corners, 1.5 * smooth], 1)
        return torch.sigmoid(F.adaptive_max_pool2d(joined, 1).squeeze(3).squeeze(2)) @ self.matrix + 0.25


class Modern(nn.Module):
    """Halves of channels that go different ways, parts of maps, bounds, tanh, means over two axes, a gate by a largest value."""

    size, channels = 24, 3

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.Hardtanh(-0.8, 0.9))
        self.branch = nn.Sequential(
            nn.Conv2d(6, 6, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), nn.BatchNorm2d(6), nn.Tanh(),
        )
        self.mix = nn.Conv2d(12, 9, 1)
        self.head = nn.Linear(13, 7)

    def forward(self, x):
        x = self.stem(x * 2 - 1)
        kept, moved = x.chunk(2, dim=1)
        x = torch.cat([kept, self.branch(moved)], 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        a, b, c = torch.split(self.mix(x), [4, 3, 2], dim=1)
        a = a[:, :, 1:-1, 2:] * torch.sigmoid(a.amax((2, 3), keepdim=True))
        large = F.interpolate(b.clamp(min=-0.1), scale_factor=2, mode="bilinear", align_corners=False)
        small = F.interpolate(c.clamp(max=0.3), size=(6, 6), mode="bilinear", align_corners=False)
        means = [part.mean((2, 3)) for part in (a, large, small)]
        joined = torch.cat([*means, a.flatten(1)[:, 5:9]], 1)
        return self.head(torch.tanh(joined))


class Transformer(nn.Module):
    """Two spatial transformers: of the picture, and of a map that is not square with corners aligned."""

    size, channels = 16, 1

    def __init__(self):
        super().__init__()
        self.where = nn.Sequential(nn.Conv2d(1, 4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 6))
        self.stem = nn.Conv2d(1, 6, (3, 5), padding=1)
        self.again = nn.Linear(6, 6)
        self.head = nn.Linear(6 * 16 * 14, 7)

    def forward(self, x):
        whole = torch.tensor([[1.0, 0, 0, 0, 1, 0]]).to(x)
        theta = (self.where(x) + whole).view(-1, 2, 3)
        x = F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=False), align_corners=False)
        x = torch.relu(self.stem(x))
        theta = (self.again(x.mean((2, 3))) + whole).view(-1, 2, 3)
        x = F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=True), align_corners=True)
        return self.head(x.flatten(1))


def export(name, network, opset, folder, dynamo=None, outside=False):
    if sys.argv[2:] and name not in sys.argv[2:]:
        return
    torch.manual_seed(sum(map(ord, name)))
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, 0, 0.2)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.4)
    network.eval()
    faces = torch.rand(2, network.channels, network.size, network.size)
    faces = (faces * 255).round() / 255
    axes = {"faces": {0: "n"}, "scores": {0: "n"}}
    how = {} if dynamo is None else {"dynamo": dynamo}
    if dynamo:
        # The batch stays one, as it is in the example. By default PyTorch puts the weights into a file beside the model's.
        how |= {"external_data": outside, "verbose": False}
    else:
        how |= {"dynamic_axes": axes}
    torch.onnx.export(network, (faces[:1],), str(folder / f"{name}.onnx"), opset_version=opset, input_names=["faces"],
                      output_names=["scores"], **how)
    with torch.no_grad():
        scores = network.double()(faces.double())
    text = {
        "size": network.size,
        "channels": network.channels,
        "faces": [[int(level) for level in (face * 255).round().flatten()] for face in faces],
        "scores": [[round(float(score), 9) for score in row] for row in scores],
    }
    (folder / f"{name}.json").write_text(json.dumps(text, separators=(",", ":")) + "\n")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    export("plain-11", Plain(), 11, folder)
    export("mobile-14", Mobile(), 14, folder)
    export("mobile-17", Mobile(), 17, folder)
    export("shuffle-13", Shuffle(), 13, folder)
    export("shuffle-16", Shuffle(), 16, folder)
    export("modern-18-script", Modern(), 18, folder, dynamo=False)
    export("modern-20-script", Modern(), 20, folder, dynamo=False)
    export("modern-18-dynamo", Modern(), 18, folder, dynamo=True)
    export("modern-21-dynamo", Modern(), 21, folder, dynamo=True)
    export("mobile-19-script", Mobile(), 19, folder, dynamo=False)
    export("mobile-21-dynamo", Mobile(), 21, folder, dynamo=True)
    export("plain-20-dynamo", Plain(), 20, folder, dynamo=True)
    export("shuffle-21-dynamo", Shuffle(), 21, folder, dynamo=True)
    export("transformer-20-script", Transformer(), 20, folder, dynamo=False)
    export("transformer-18-dynamo", Transformer(), 18, folder, dynamo=True)
    export("transformer-21-dynamo", Transformer(), 21, folder, dynamo=True)
    export("plain-18-outside", Plain(), 18, folder, dynamo=True, outside=True)


if __name__ == "__main__":
    main()
