"""Histogram of oriented gradients, defined so that any language repeats it from the 48x48 bytes."""
from __future__ import annotations

import numpy as np

DEFINITION = {
    "gradient": "gx = p(r, min(c+1, 47)) - p(r, max(c-1, 0)); gy = p(min(r+1, 47), c) - p(max(r-1, 0), c); integers",
    "vote": "magnitude sqrt(gx*gx + gy*gy), shared between two of 9 unsigned bins: angle = atan2(gy, gx), plus pi if "
            "negative, minus pi if then >= pi; position = angle * 9 / pi - 0.5; low = floor(position), f = position - low; "
            "bin (low + 9) mod 9 gets magnitude * (1 - f), bin (low + 1) mod 9 gets magnitude * f",
    "cells": "8 x 8 cells of 6 x 6 pixels; a pixel votes in its own cell only; plain sums",
    "blocks": "7 x 7 blocks of 2 x 2 cells, step one cell; v / sqrt(sum v*v + 100); each value cut at 0.2; then "
              "v / sqrt(sum v*v + 1e-6)",
    "order": "index = (((blockRow * 7 + blockColumn) * 2 + cellRow) * 2 + cellColumn) * 9 + bin; 1764 values",
    "numbers": "doubles throughout",
}


def hog(pixels: np.ndarray) -> np.ndarray:
    """uint8 [N,48,48] -> float64 [N,1764]; see DEFINITION."""
    p = np.pad(pixels.astype(np.int64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    gx, gy = p[:, 1:-1, 2:] - p[:, 1:-1, :-2], p[:, 2:, 1:-1] - p[:, :-2, 1:-1]
    magnitude = np.sqrt((gx * gx + gy * gy).astype(np.float64))
    angle = np.arctan2(gy, gx)
    angle = np.where(angle < 0, angle + np.pi, angle)
    angle = np.where(angle >= np.pi, angle - np.pi, angle)
    position = angle * 9 / np.pi - 0.5
    low = np.floor(position)
    f = position - low
    low = (low.astype(np.int64) + 9) % 9
    cells = np.empty((len(p), 8, 8, 9))
    for k in range(9):
        vote = np.where(low == k, magnitude * (1 - f), 0) + np.where((low + 1) % 9 == k, magnitude * f, 0)
        cells[..., k] = vote.reshape(-1, 8, 6, 8, 6).sum((2, 4))
    parts = [cells[:, i:i + 7, j:j + 7] for i in (0, 1) for j in (0, 1)]
    v = np.stack(parts, 3).reshape(len(p), 49, 36)
    v = np.minimum(v / np.sqrt((v * v).sum(2, keepdims=True) + 100), 0.2)
    v /= np.sqrt((v * v).sum(2, keepdims=True) + 1e-6)
    return v.reshape(len(p), -1)


def hog_many(pixels: np.ndarray, step: int = 2000) -> np.ndarray:
    """hog() in parts, as float32."""
    return np.concatenate([hog(pixels[i:i + step]).astype(np.float32) for i in range(0, len(pixels), step)])
