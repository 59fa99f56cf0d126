"""Fits the seven biases of fc2 to the labels of Training: soft targets from voters and teachers move whole classes.

    python3 training/refit.py IN.pt OUT.pt --data DIR_OR_CSV

Everything else stays. The biases are those of the likeliest logistic regression of the label on the logits, with one common
slope, over the undistorted Training faces and their mirror images; the slope itself is dropped.
"""
from __future__ import annotations

import argparse

import numpy as np
import torch
import torch.nn.functional as F

import data
from deep_emotion import load
from fast_engine import FastEngine
from flat import Layout


def fit_bias(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N,7] and [N] -> what to add to the logits, [7], with mean 0."""
    z, y = torch.from_numpy(logits).double(), torch.from_numpy(labels.astype(np.int64))
    slope, bias = torch.ones(1, dtype=torch.float64, requires_grad=True), torch.zeros(7, dtype=torch.float64, requires_grad=True)
    fit = torch.optim.LBFGS([slope, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        fit.zero_grad()
        value = F.cross_entropy(slope * (z + bias), y)
        value.backward()
        return value

    fit.step(loss)
    found = bias.detach().numpy()
    return found - found.mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("result")
    parser.add_argument("--data")
    args = parser.parse_args()
    net = load(args.source)
    engine = FastEngine(net.shape, net.align_corners, False)
    params, stats = Layout(net.shape, False).gather(net)
    train, valid = data.load(args.data)
    logits = np.concatenate([engine.logits(params, stats, train.images, mirror) for mirror in (False, True)])
    bias = fit_bias(logits, np.concatenate([train.labels, train.labels]))
    before = engine.logits(params, stats, valid.images)
    for name, z in (("before", before), ("after", before + bias)):
        picked = z.argmax(1)
        recall = [(picked[valid.labels == k] == k).mean() for k in range(7)]
        share = np.bincount(picked, minlength=7) / len(picked)
        print(f"{name}: PublicTest {(picked == valid.labels).mean():.4f}, balanced {np.mean(recall):.4f}, shares {np.round(share, 3)}")
    print(f"added {np.round(bias, 3)}; shares of the labels {np.round(np.bincount(valid.labels, minlength=7) / len(valid), 3)}")
    net.fc2.bias.data += torch.from_numpy(bias.astype(np.float32))
    torch.save(net.state_dict(), args.result)


if __name__ == "__main__":
    main()
