"""Convolutions by Winograd's algorithm and fused norms for training on a CPU without bfloat16 units (fast/winograd.cpp).

`fast_features` runs the layers of a PlainNet in training mode: float32, channels last, one thread. With AVX2 a step takes less than
half of PyTorch's time; gradients agree to 1e-5 (check_winograd.py).
"""
from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

SOURCE = Path(__file__).resolve().parent / "fast"
FLAGS = ["-O3", "-march=native", "-ffast-math", "-std=c++17", "-falign-loops=64", "-shared", "-fPIC"]
LAST = torch.channels_last
_library = None


def library() -> ctypes.CDLL:
    """Compiles when the sources changed; the hash in the name lets running trainings keep theirs."""
    global _library
    if _library is None:
        files = [SOURCE / n for n in ("norm.hpp", "tiles.hpp", "winograd.cpp")]
        key = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]
        built = SOURCE / f"winograd-{key}.so"
        if not built.exists():
            scratch = SOURCE / f"winograd-{key}.{os.getpid()}.so"
            subprocess.run(["g++", *FLAGS, str(files[-1]), "-o", str(scratch)], check=True)
            os.replace(scratch, built)
        _library = ctypes.CDLL(str(built))
    return _library


def wanted(device: str) -> bool:
    """True on a CPU that has AVX2 and neither AMX nor bfloat16, where PyTorch is the slower one."""
    if device != "cpu" or not Path("/proc/cpuinfo").exists():
        return False
    flags = Path("/proc/cpuinfo").read_text()
    return "avx2" in flags and "amx_bf16" not in flags and "avx512_bf16" not in flags


def _at(tensor: torch.Tensor):
    return ctypes.c_void_p(tensor.data_ptr())


class Conv(torch.autograd.Function):
    """x [N,C,S,S] and weights [O,C,3,3] -> [N,O,S,S], padding 1; C and O multiples of 16."""

    @staticmethod
    def forward(ctx, x, weight):
        x, weight = x.contiguous(memory_format=LAST), weight.contiguous()
        n, c, side, _ = x.shape
        y = torch.empty((n, weight.shape[0], side, side), memory_format=LAST)
        library().conv_forward(_at(x), _at(weight), _at(y), n, side, c, weight.shape[0])
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        dy, n, c, side = dy.contiguous(memory_format=LAST), *x.shape[:3]
        dx, dw = torch.empty_like(x, memory_format=LAST), torch.empty(weight.shape)
        library().conv_backward(_at(x), _at(weight), _at(dy), _at(dx), _at(dw), n, side, c, weight.shape[0])
        return dx, dw


class NormReLU(torch.autograd.Function):
    """Batch norm by the batch's own statistics, then ReLU; `norm` gets its running statistics."""

    @staticmethod
    def forward(ctx, x, gamma, beta, norm):
        x = x.contiguous(memory_format=LAST)
        n, c, h, w = x.shape
        y = torch.empty_like(x, memory_format=LAST)
        mean, inv, variance = torch.empty(c), torch.empty(c), torch.empty(c)
        library().norm_forward(_at(x), _at(gamma), _at(beta), _at(y), _at(mean), _at(inv), _at(variance), ctypes.c_long(n * h * w), c, ctypes.c_float(norm.eps))
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (n * h * w / (n * h * w - 1)), norm.momentum)
        norm.num_batches_tracked += 1
        ctx.save_for_backward(x, gamma.detach().clone(), beta.detach().clone(), mean, inv)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, gamma, beta, mean, inv = ctx.saved_tensors
        n, c, h, w = x.shape
        dy = dy.contiguous(memory_format=LAST)
        dx, dgamma, dbeta = torch.empty_like(x, memory_format=LAST), torch.empty(c), torch.empty(c)
        library().norm_backward(_at(x), _at(gamma), _at(beta), _at(mean), _at(inv), _at(dy), _at(dx), _at(dgamma), _at(dbeta), ctypes.c_long(n * h * w), c)
        return dx, dgamma, dbeta, None


def fast_features(features: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """What `features(x)` is, with the layers above; a norm that does not train, or averages without a momentum, is PyTorch's."""
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            fits = layer.in_channels % 16 == 0 and layer.out_channels % 16 == 0
            x = Conv.apply(x, layer.weight) if fits else F.conv2d(x, layer.weight, padding=1)
        elif isinstance(layer, nn.BatchNorm2d) and layer.training and layer.momentum is not None:
            x = NormReLU.apply(x, layer.weight, layer.bias, layer)
        elif isinstance(layer, nn.BatchNorm2d):
            x = F.relu(layer(x), inplace=True)
        elif not isinstance(layer, nn.ReLU):
            x = layer(x)
    return x
