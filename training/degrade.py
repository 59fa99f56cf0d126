"""Bad pictures for training: blurred, dark and noisy faces."""
from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F


def degrade(x: torch.Tensor, spec: dict) -> torch.Tensor:
    """What bad pictures do, each to a share `chance` of the faces [N,1,48,48] in -1..1: Gaussian blur of up to `blur` pixels, down to
    `light` of the light, noise of a standard deviation of up to `noise` (1 is 127.5 gray levels)."""
    if not spec:
        return x
    n, draw = len(x), lambda: torch.rand(len(x), device=x.device)
    chosen = lambda: (draw() < spec["chance"]).float()
    sigma = (draw() * spec["blur"] * chosen()).clamp(min=0.05)
    reach = math.ceil(2.5 * spec["blur"])
    at = torch.arange(-reach, reach + 1, device=x.device, dtype=torch.float32)
    kernel = torch.exp(-(at[None] / sigma[:, None]) ** 2 / 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    flat = x.reshape(1, n, 48, 48)
    flat = F.conv2d(F.pad(flat, (reach, reach, 0, 0), mode="replicate"), kernel.view(n, 1, 1, -1), groups=n)
    flat = F.conv2d(F.pad(flat, (0, 0, reach, reach), mode="replicate"), kernel.view(n, 1, -1, 1), groups=n)
    x = flat.reshape(n, 1, 48, 48)
    gain = 1 - chosen() * draw() * (1 - spec["light"])
    x = (x + 1) * gain.view(-1, 1, 1, 1) - 1
    return x + torch.randn_like(x) * (chosen() * draw() * spec["noise"]).view(-1, 1, 1, 1)


def degraded_copy(images: np.ndarray, spec: dict, rng: np.random.Generator) -> np.ndarray:
    """uint8 [N,48,48] with a share `share` of the faces degraded; the others are as they were."""
    pick = np.flatnonzero(rng.random(len(images)) < spec["share"])
    torch.manual_seed(int(rng.integers(2 ** 31)))
    out = images.copy()
    for i in range(0, len(pick), 256):
        x = torch.from_numpy(images[pick[i:i + 256]]).float()[:, None] / 127.5 - 1
        out[pick[i:i + 256]] = ((degrade(x, spec)[:, 0] + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    return out
