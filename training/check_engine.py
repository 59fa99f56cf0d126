"""Holds the fast engine to PyTorch: loss, every gradient, batch statistics and eval logits.

    python3 training/check_engine.py      exits 1 when a relative difference passes the limit
"""
from __future__ import annotations

import sys
import time

import numpy as np

import data
from deep_emotion import Shape
from fast_engine import FastEngine
from torch_engine import TorchEngine

LIMIT = 2e-4
WIDE = Shape((8, 12), 24, (15, 12, 18, 16), 35)


def compare(shape: Shape, align: bool, aux: bool, erase: float) -> float:
    rng = np.random.default_rng(5)
    slow, fast = TorchEngine(shape, align, aux), FastEngine(shape, align, aux)
    slow.net.double()
    layout, n = slow.layout, 32
    params = np.zeros(layout.n_params, np.float32)
    for name, view in layout.views(params).items():
        if view.ndim > 1:
            view[...] = rng.normal(0, (1.6 / np.prod(view.shape[1:])) ** 0.5, view.shape)
        elif ("norm" in name or "aux" in name) and name.endswith("weight"):
            # a negative scale swaps which value the pool picks
            view[...] = rng.uniform(0.5, 1.5, view.shape) * np.where(rng.random(view.shape) < 0.3, -1, 1)
        else:
            view[...] = rng.normal(0, 0.2, view.shape)
    layout.views(params)["fc_loc.2.weight"][...] *= 0.3
    layout.views(params)["fc_loc.2.bias"][...] = [1.1, 0.2, 0.1, -0.2, 0.9, -0.3]
    # no flat areas: equal values make pools and ReLUs break ties by rounding
    coarse = np.kron(rng.integers(40, 216, (n, 12, 12)), np.ones((4, 4)))
    pixels = (coarse + rng.integers(-40, 40, (n, 48, 48))).astype(np.uint8)
    views = data.augmentation(rng, n, {"rotate": 20, "scale": 0.2, "aspect": 0.1, "shift": 0.1, "contrast": 0.3,
                                       "brightness": 0.2, "erase": erase})
    targets = rng.dirichlet(np.ones(7), n).astype(np.float32)
    keep = ((rng.random((n, shape.conv[3] * 81)) > 0.3) / 0.7).astype(np.float32)
    results = []
    for engine in (slow, fast):
        grad, stats = np.zeros_like(params), np.zeros(layout.n_stats, np.float32)
        loss = engine.step(params, pixels, views, targets, keep, grad, stats)
        mild = np.where(stats == 0, 1, stats).astype(np.float32)
        results.append((loss, grad, stats, engine.logits(params, mild, pixels[:13], mirror=True)))
    (l1, g1, s1, z1), (l2, g2, s2, z2) = results
    relative = lambda a, b: float(np.abs(a - b).max() / (np.abs(a).max() + 1e-12))
    worst = max(abs(l1 - l2) / l1, relative(s1, s2), relative(z1, z2))
    scale = np.abs(g1).max()
    for name, view in layout.views(g1).items():
        other = layout.views(g2)[name]
        # a bias in front of a norm has no gradient but rounding
        gap = float(np.linalg.norm(view - other) / max(np.linalg.norm(view), 1e-3 * scale))
        worst = max(worst, gap)
        if gap > LIMIT:
            print(f"  {name}: {gap:.2e}")
    print(f"{shape.conv} align={align} aux={aux}: loss {l1:.6f} {l2:.6f}, worst {worst:.2e}")
    return worst


def speed(shape: Shape, aux: bool, n: int = 128) -> None:
    engine = FastEngine(shape, False, aux)
    rng = np.random.default_rng(1)
    params = (rng.normal(0, 0.05, engine.layout.n_params)).astype(np.float32)
    grad, stats = np.zeros_like(params), np.zeros(engine.layout.n_stats, np.float32)
    pixels, views = rng.integers(0, 256, (n, 48, 48)).astype(np.uint8), data.augmentation(rng, n, {"rotate": 8})
    targets = np.full((n, 7), 1 / 7, np.float32)
    times = []
    for _ in range(8):
        began = time.process_time()
        engine.step(params, pixels, views, targets, None, grad, stats)
        times.append(time.process_time() - began)
    print(f"{shape.conv} aux={aux}: {min(times) * 28358 / n:.1f} CPU seconds an epoch")


if __name__ == "__main__":
    cases = [(Shape(), False, False, 0.0), (Shape(), True, False, 0.5), (Shape(), False, True, 0.0), (WIDE, True, True, 0.5)]
    worst = max(compare(*case) for case in cases)
    speed(Shape(), False)
    speed(Shape(), True)
    sys.exit(worst > LIMIT)
