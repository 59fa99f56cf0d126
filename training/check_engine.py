"""Holds the fast engine to PyTorch: loss, every gradient, batch statistics and eval logits.

    python3 training/check_engine.py      exits 1 when they differ by more than float32 does
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
SEEDS = 9
WIDE = Shape((8, 12), 24, (15, 12, 18, 16), 35)


def random_params(layout, rng) -> np.ndarray:
    """Weights of a realistic scale; some norms flip the sign, which swaps what a pool picks."""
    params = np.zeros(layout.n_params, np.float32)
    for name, view in layout.views(params).items():
        if view.ndim > 1:
            view[...] = rng.normal(0, (1.6 / np.prod(view.shape[1:])) ** 0.5, view.shape)
        elif ("norm" in name or "aux" in name) and name.endswith("weight"):
            view[...] = rng.uniform(0.5, 1.5, view.shape) * np.where(rng.random(view.shape) < 0.3, -1, 1)
        else:
            view[...] = rng.normal(0, 0.2, view.shape)
    layout.views(params)["fc_loc.2.weight"][...] *= 0.3
    layout.views(params)["fc_loc.2.bias"][...] = [1.1, 0.2, 0.1, -0.2, 0.9, -0.3]
    return params


def compare(shape: Shape, align: bool, aux: bool, erase: float, seed: int):
    """Largest relative differences from PyTorch in doubles, over everything that a step returns:
    (the fast engine's, PyTorch's own in float32)."""
    rng = np.random.default_rng(seed)
    exact, single, fast = TorchEngine(shape, align, aux), TorchEngine(shape, align, aux), FastEngine(shape, align, aux)
    exact.net.double()
    layout, n = fast.layout, 16
    params = random_params(layout, rng)
    # smooth faces keep most values apart that a pool or the sampler has to choose between
    coarse = np.kron(rng.integers(40, 216, (n, 12, 12)), np.ones((4, 4)))
    pixels = (coarse + rng.integers(-4, 4, (n, 48, 48))).astype(np.uint8)
    views = data.augmentation(rng, n, {"rotate": 20, "scale": 0.2, "aspect": 0.1, "shift": 0.1, "contrast": 0.3,
                                       "brightness": 0.2, "erase": erase})
    targets = rng.dirichlet(np.ones(7), n).astype(np.float32)
    keep = ((rng.random((n, shape.conv[3] * 81)) > 0.3) / 0.7).astype(np.float32)
    results = []
    for engine in (exact, fast, single):
        grad, stats = np.zeros_like(params), np.zeros(layout.n_stats, np.float32)
        viewed = engine.step(params, pixels, views, targets, keep, grad, stats)
        loss = engine.step(params, pixels, None, targets, keep, grad, stats)
        mild = np.where(stats == 0, 1, stats).astype(np.float32)
        results.append((viewed, loss, stats, engine.logits(params, mild, pixels[:5], mirror=True), grad))
    truth, gaps = results[0], []
    whole = np.linalg.norm(truth[4])
    for other in results[1:]:
        worst = max(float(np.abs(np.subtract(a, b)).max() / np.abs(a).max()) for a, b in zip(truth[:4], other[:4]))
        assert worst < LIMIT, "loss, statistics or logits differ"
        for name, view in layout.views(truth[4]).items():
            gap = np.linalg.norm(view - layout.views(other[4])[name])
            # a bias in front of a norm has no gradient but rounding
            worst = max(worst, float(gap / max(np.linalg.norm(view), 1e-2 * whole)))
        gaps.append(worst)
    return gaps


def check(*case) -> bool:
    """Where two values are within rounding of each other, single and double precision pick different sides of a
    pool or a ReLU and whole gradients jump, PyTorch's own as well: so medians over seeds are compared."""
    gaps = np.array([compare(*case, seed) for seed in range(SEEDS)])
    fast, single = np.median(gaps, 0)
    print(f"{case[0].conv} align_corners={case[1]} aux_norm={case[2]} erase={case[3]}: median gradient difference {fast:.1e}, "
          f"least {gaps[:, 0].min():.1e} (PyTorch float32: {single:.1e}, least {gaps[:, 1].min():.1e})", flush=True)
    return bool(fast < LIMIT + 4 * single)


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
    passed = [check(*case) for case in cases]
    speed(Shape(), False)
    speed(Shape(), True)
    sys.exit(not all(passed))
