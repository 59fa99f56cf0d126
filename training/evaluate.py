"""Accuracy of a trained .pt on PublicTest, by PyTorch in eval mode.

    python3 training/evaluate.py FILE.pt... --data DIR_OR_CSV [--align-corners]
"""
from __future__ import annotations

import argparse

import numpy as np
import torch

import data
from deep_emotion import LABELS, load


def logits_of(net, images: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(((images.astype(np.float64) / 255 - 0.5) / 0.5).astype(np.float32))[:, None]
    with torch.no_grad():
        return np.concatenate([net(part).numpy() for part in x.split(512)])


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--data")
    parser.add_argument("--align-corners", action="store_true")
    args = parser.parse_args()
    _, valid = data.load(args.data)
    mean = 0
    for path in args.files:
        net = load(path, args.align_corners)
        one = softmax(logits_of(net, valid.images))
        two = softmax(logits_of(net, valid.images[:, :, ::-1]))
        mean = mean + one + two
        right = one.argmax(1) == valid.labels
        recall = [right[valid.labels == k].mean() for k in range(7)]
        print(f"{path}: {sum(p.numel() for p in net.parameters())} parameters, single pass {right.mean():.4f} "
              f"({right.sum()}/{len(right)}), mirrored {((one + two).argmax(1) == valid.labels).mean():.4f}, "
              f"balanced {np.mean(recall):.4f}")
        print("  recall " + ", ".join(f"{n} {r:.3f}" for n, r in zip(LABELS, recall)))
    if len(args.files) > 1:
        print(f"mean of all, mirrored too: {(mean.argmax(1) == valid.labels).mean():.4f}")


if __name__ == "__main__":
    main()
