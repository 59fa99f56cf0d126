"""The C++ engine behind the same interface as TorchEngine; compiled on first use."""
from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np

from deep_emotion import Shape
from flat import Layout

SOURCE = Path(__file__).resolve().parent / "fast"
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-associative-math", "-falign-loops=64", "-std=c++17", "-shared", "-fPIC"]


def library() -> ctypes.CDLL:
    """Compiles when the sources changed; the hash in the name lets running trainings keep theirs."""
    files = [SOURCE / n for n in ("kernels.hpp", "layer.hpp", "engine.cpp")]
    key = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]
    built = SOURCE / f"engine-{key}.so"
    if not built.exists():
        scratch = SOURCE / f"engine-{key}.{os.getpid()}.so"
        subprocess.run(["g++", *FLAGS, str(files[-1]), "-o", str(scratch)], check=True)
        os.replace(scratch, built)
    lib = ctypes.CDLL(str(built))
    lib.engine_new.restype = ctypes.c_void_p
    lib.engine_step.restype = ctypes.c_float
    lib.engine_params.restype = lib.engine_stats.restype = ctypes.c_long
    return lib


def _at(array, dtype):
    if array is None:
        return None
    assert array.dtype == dtype and array.flags["C_CONTIGUOUS"]
    return ctypes.c_void_p(array.ctypes.data)


class FastEngine:
    """See TorchEngine for step() and logits(). The batch is fixed by the first step."""

    def __init__(self, shape: Shape, align_corners: bool, aux_norm: bool):
        self.layout = Layout(shape, aux_norm)
        self.lib, self.handles = library(), {}
        self.config = [int(align_corners), int(aux_norm), *shape.loc, shape.loc_hidden, *shape.conv, shape.hidden]

    def handle(self, batch: int):
        assert batch % 8 == 0, "a batch is a multiple of eight faces"
        if batch not in self.handles:
            made = ctypes.c_void_p(self.lib.engine_new((ctypes.c_int * 11)(batch, *self.config)))
            assert self.lib.engine_params(made) == self.layout.n_params
            assert self.lib.engine_stats(made) == self.layout.n_stats
            self.handles[batch] = made
        return self.handles[batch]

    def step(self, params, pixels, views, targets, keep, grad, stats) -> float:
        f = np.float32
        return float(self.lib.engine_step(
            self.handle(len(pixels)), _at(params, f), _at(pixels, np.uint8), _at(views, f), _at(targets, f), _at(keep, f),
            _at(grad, f), _at(stats, f)))

    def observe(self, params, pixels, views, stats) -> None:
        """Fills `stats` with the statistics of one batch."""
        self.lib.engine_observe(self.handle(len(pixels)), _at(params, np.float32), _at(pixels, np.uint8),
                                _at(views, np.float32), _at(stats, np.float32))

    def logits(self, params, stats, pixels, mirror: bool = False, views=None) -> np.ndarray:
        if mirror:
            pixels = pixels[:, :, ::-1]
        out = np.zeros((len(pixels), 7), np.float32)
        size = 32
        for i in range(0, len(pixels), size):
            part = np.zeros((size, 48, 48), np.uint8)
            some = pixels[i:i + size]
            part[:len(some)] = some
            logits = np.zeros((size, 7), np.float32)
            seen = None
            if views is not None:
                seen = np.zeros((size, 12), np.float32)
                seen[:len(some)] = views[i:i + size]
            self.lib.engine_logits(self.handle(size), _at(params, np.float32), _at(stats, np.float32), _at(part, np.uint8),
                                   _at(seen, np.float32), size, _at(logits, np.float32))
            out[i:i + len(some)] = logits[:len(some)]
        return out
