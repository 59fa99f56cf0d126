"""Folds a plain network (train_plain.py) into convolutions for `npm run export-weights -- OUT.pt --half`, and writes its golden values.

    python3 training/export_plain.py OUT/NAME.npz OUT/NAME.pt [--golden plain-net-1] [--shape JSON]

The golden values (test/golden/NAME.json) are PyTorch's in float32 on the weights as they are shipped: rounded to float16.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F

import goldens
from plain_net import PlainShape
from train_plain import load_weights


def forward(state: dict, shape: PlainShape, x: torch.Tensor) -> torch.Tensor:
    """[N,1,48,48] -> logits [N,7] from folded weights."""
    k = 0
    for group in shape.groups:
        for _ in group:
            k += 1
            x = torch.relu(F.conv2d(x, state[f"conv{k}.weight"], state[f"conv{k}.bias"], padding=1))
        x = F.max_pool2d(x, 2)
    hidden = torch.relu(F.linear(x.flatten(1), state["fc1.weight"], state["fc1.bias"]))
    return F.linear(hidden, state["fc2.weight"], state["fc2.bias"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--golden")
    parser.add_argument("--shape", default="{}")
    args = parser.parse_args()
    shape = PlainShape.of(json.loads(args.shape))
    net = load_weights(args.source, shape, "cpu")
    state = net.folded()
    with torch.no_grad():
        x = goldens.faces()
        difference = (forward(state, shape, x) - net(x)).abs().max()
    print(f"largest difference of a logit, folded against norms: {float(difference):.2e}")
    torch.save(state, args.result)
    if args.golden is None:
        return
    rounded = {name: value.half().float() for name, value in state.items()}
    with torch.no_grad():
        logits = forward(rounded, shape, x)
    rows = lambda t: [[float(f"{v:.9g}") for v in r] for r in t.double().tolist()]
    goldens.write(args.golden, {
        "about": f"PyTorch {torch.__version__}, float32, weights {args.golden} rounded to float16; written by training/export_plain.py",
        "generator": {k: goldens.GENERATOR[k] for k in ("faces", "random", "input")}, "labels": goldens.LABELS, "faces": goldens.FACES,
        "theta": [], "logits": rows(logits), "probabilities": rows(torch.softmax(logits, 1))})


if __name__ == "__main__":
    main()
