"""Soft targets from trained networks: their mean probabilities on the Training faces, mirrored too.

    python3 training/teacher.py OUT.npy CONFIG [CONFIG ...] --data DIR_OR_CSV [--out training/out]

Each CONFIG names a run whose averaged weights (OUT/NAME.last.npz) vote. Rows are those of the training set
with the first config's `clean`; a config that trains from OUT.npy must use the same setting.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import data
from train import DEFAULTS, HERE, engine_for, softmax


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result")
    parser.add_argument("configs", nargs="+", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--out", type=Path, default=HERE / "out")
    args = parser.parse_args()
    configs = [{**DEFAULTS, **json.loads(p.read_text())} for p in args.configs]
    train, valid = data.load(args.data, configs[0]["clean"])
    sums = [0.0, 0.0]
    for path, config in zip(args.configs, configs):
        saved, engine = np.load(args.out / f"{path.stem}.last.npz"), engine_for(config)
        for k, faces in enumerate((train, valid)):
            for mirror in (False, True):
                sums[k] = sums[k] + softmax(engine.logits(saved["ema"], saved["ema_stats"], faces.images, mirror))
        print(f"{path.stem}: after epoch {int(saved['epoch'])}")
    taught, public = (s / s.sum(1, keepdims=True) for s in sums)
    for name, p, faces in (("Training", taught, train), ("PublicTest", public, valid)):
        hit = (p.argmax(1) == faces.labels).mean()
        nll = -np.log(p[np.arange(len(p)), faces.labels]).mean()
        print(f"{name}: {hit:.4f}, nll {nll:.4f}")
    np.save(args.out / args.result, taught.astype(np.float32))


if __name__ == "__main__":
    main()
