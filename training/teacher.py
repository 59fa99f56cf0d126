"""Soft targets from trained networks: their mean probabilities on the Training faces, as the student will see them.

    python3 training/teacher.py OUT.npy STUDENT_CONFIG SOURCE [SOURCE ...] --data DIR_OR_CSV [--out training/out]

A SOURCE is a config, whose averaged weights (OUT/NAME.last.npz) vote, a folder of a shipped model, or the weights of a plain
network of the default shape (a .npz of train_plain.py). The result is
[sets, N, 7] in the order of data.view_set: for each view of the student's pool the mean over it and its mirror image, and
last the same for the plain faces. Without a pool it has the plain faces only.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import data
import train_plain
import winograd
from flat import Layout
from plain_net import PlainShape
from train import DEFAULTS, HERE, engine_for, settled_stats, softmax
from unfold import load_model


class PlainTeacher:
    """A plain network behind the engines' `logits`."""

    def __init__(self, path: Path):
        self.net = train_plain.load_weights(path, PlainShape(), "cpu")
        self.net.by_winograd = winograd.wanted("cpu")

    def logits(self, _params, _stats, images: np.ndarray, views: np.ndarray) -> np.ndarray:
        return np.log(train_plain.probabilities(self.net, images, "cpu", views))


def read_source(path: Path, out: Path, train):
    """(engine, params, stats) of a config's averaged weights, a model folder or a plain network."""
    if path.suffix == ".npz":
        return PlainTeacher(path), None, None
    if path.is_dir():
        net = load_model(path)
        config = {**DEFAULTS, "shape": net.shape.as_dict()}
        return (engine_for(config), *Layout(net.shape, False).gather(net))
    config = {**DEFAULTS, **json.loads(path.read_text())}
    saved, engine = np.load(out / f"{path.stem}.last.npz"), engine_for(config)
    print(f"{path.stem}: after epoch {int(saved['epoch'])}")
    stats = settled_stats(engine, saved["ema"], train, config) if config["restat"] else saved["ema_stats"]
    return engine, saved["ema"], stats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result")
    parser.add_argument("student", type=Path)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--out", type=Path, default=HERE / "out")
    args = parser.parse_args()
    student = {**DEFAULTS, **json.loads(args.student.read_text())}
    train, valid = data.load(args.data, student["clean"])
    sources = [read_source(path, args.out, train) for path in args.sources]

    def mean(faces, one, two) -> np.ndarray:
        parts = [softmax(e.logits(p, s, faces.images, views=v)) for e, p, s in sources for v in (one, two)]
        return (sum(parts) / len(parts)).astype(np.float32)

    def report(name, faces, p) -> None:
        nll = -np.log(p[np.arange(len(p)), faces.labels]).mean()
        print(f"{name}: {(p.argmax(1) == faces.labels).mean():.4f}, nll {nll:.4f}", flush=True)

    def plain(n: int, mirror: bool) -> np.ndarray:
        view = data.augmentation(np.random.default_rng(0), n, {"mirror": False})
        view[:, 0] *= -1 if mirror else 1
        return view

    taught = []
    for pair in range(student["pool"]):
        p = mean(train, *(data.view_set(student, 2 * pair + k, len(train)) for k in (0, 1)))
        report(f"view {pair}", train, p)
        taught += [p, p]
    for name, faces in (("PublicTest", valid), ("Training", train)):
        p = mean(faces, plain(len(faces), False), plain(len(faces), True))
        report(name, faces, p)
    np.save(args.out / args.result, np.stack([*taught, p]))


if __name__ == "__main__":
    main()
