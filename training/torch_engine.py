"""Loss and gradients by PyTorch: slow, and the reference for the fast engine."""
from __future__ import annotations

from typing import Optional

import numpy as np
import torch
import torch.nn.functional as F

from deep_emotion import DeepEmotion, Shape
from flat import Layout


def augment(pixels: np.ndarray, views: Optional[np.ndarray], device: str = "cpu") -> torch.Tensor:
    """uint8 [N,48,48] and views [N,12] (see data.augmentation) -> network input [N,1,48,48]."""
    x = torch.from_numpy(pixels).to(device).float()[:, None] / 127.5 - 1
    if views is None:
        return x
    v = torch.from_numpy(views).to(device)
    grid = F.affine_grid(v[:, :6].view(-1, 2, 3), list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    x = x * v[:, 6].view(-1, 1, 1, 1) + v[:, 7].view(-1, 1, 1, 1)
    rows = torch.arange(48, dtype=torch.float32, device=device)
    inside = lambda centre, half: ((rows[None] - v[:, centre, None]).abs() <= v[:, half, None])
    box = inside(8, 10)[:, :, None] & inside(9, 11)[:, None, :]
    return x.masked_fill(box[:, None], 0.0)


class TorchEngine:
    """step() fills `grad` and `stats` (batch mean and unbiased variance of every norm), returns the loss."""

    def __init__(self, shape: Shape, align_corners: bool, aux_norm: bool):
        self.layout = Layout(shape, aux_norm)
        self.net = DeepEmotion(shape, align_corners, aux_norm=aux_norm)
        for module in self.net.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0  # the buffers then hold this batch's statistics

    def step(self, params, pixels, views, targets, keep, grad, stats) -> float:
        """keep: None or the dropout mask [N, c4*81], already divided by the keep rate."""
        net, zero = self.net, np.zeros(self.layout.n_stats, np.float32)
        self.layout.scatter(net, params, zero)
        net.train()
        like = net.conv1.weight
        x = augment(pixels, views).to(like)
        h = net.features(net.sample(x, net.theta(x)))
        if keep is not None:
            h = h * torch.from_numpy(keep).to(like)
        logits = net.fc2(F.relu(net._aux("fc1", net.fc1(h))))
        loss = -(torch.from_numpy(targets).to(like) * F.log_softmax(logits, 1)).sum(1).mean()
        net.zero_grad()
        loss.backward()
        for name, view in self.layout.views(grad).items():
            view[...] = net.get_parameter(name).grad.numpy()
        for name, view in self.layout.stat_views(stats).items():
            view[...] = net.get_buffer(name).numpy()
        return float(loss)

    def observe(self, params, pixels, views, stats) -> None:
        """Fills `stats` with the statistics of one batch."""
        net = self.layout.scatter(self.net, params, np.zeros(self.layout.n_stats, np.float32)).train()
        with torch.no_grad():
            net(augment(pixels, views).to(net.conv1.weight))
        for name, view in self.layout.stat_views(stats).items():
            view[...] = net.get_buffer(name).numpy()

    def logits(self, params, stats, pixels, mirror: bool = False, views=None) -> np.ndarray:
        """Eval-mode logits [N,7] of the faces or of their views."""
        net = self.layout.scatter(self.net, params, stats).eval()
        if mirror:
            pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        with torch.no_grad():
            parts = range(0, len(pixels), 512)
            seen = [None if views is None else views[i:i + 512] for i in parts]
            return np.concatenate([net(augment(pixels[i:i + 512], v).to(net.conv1.weight)).numpy() for i, v in zip(parts, seen)])
