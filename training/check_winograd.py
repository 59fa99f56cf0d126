"""Compares a step of a PlainNet by winograd.py with PyTorch's own: logits, every gradient, running statistics, and the time of both.

    python3 training/check_winograd.py
"""
from __future__ import annotations

import copy
import time

import torch

from plain_net import PlainNet

torch.set_num_threads(1)
torch.manual_seed(1)
slow = PlainNet().to(memory_format=torch.channels_last).train()
fast, exact = copy.deepcopy(slow), copy.deepcopy(slow).double()
fast.by_winograd = True
x, t = torch.randn(128, 1, 48, 48), torch.randint(0, 7, (128,))


def step(net, x):
    began = time.process_time()
    net.zero_grad()
    logits = net(x)
    torch.nn.functional.cross_entropy(logits, t).backward()
    return logits.detach(), time.process_time() - began


def off(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


truth, _ = step(exact, x.double())
for name, net in (("torch", slow), ("winograd", fast)):
    logits, _ = step(net, x)
    grads = [off(p.grad, q.grad) for p, q in zip(net.parameters(), exact.parameters())]
    stats = [off(p, q) for p, q in zip(net.buffers(), exact.buffers()) if p.ndim]
    print(f"{name}: logits {off(logits, truth):.1e}, gradients median {sorted(grads)[len(grads) // 2]:.1e} most {max(grads):.1e}, statistics {max(stats):.1e}")
for k in range(3):
    print("step", k, *(f"{name} {step(net, x)[1]:.2f} s" for name, net in (("torch", slow), ("winograd", fast))))
