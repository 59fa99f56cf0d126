"""Trains one network from one config file; run again, it goes on from the last finished epoch.

    python3 training/train.py training/configs/NAME.json --data DIR_OR_CSV [--out training/out]

Writes OUT/NAME.pt (state_dict under the public names, the epoch that PublicTest likes best or, with "choose": "last", the last),
OUT/NAME.last.npz (everything a resume needs) and training/logs/NAME.jsonl.
"""
from __future__ import annotations

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch

import data
from degrade import degraded_copy
from deep_emotion import DeepEmotion, Shape
from flat import Layout

HERE = Path(__file__).resolve().parent
DEFAULTS = {
    "seed": 1, "engine": "fast", "shape": {}, "align_corners": False, "aux_norm": False, "epochs": 60, "batch": 128,
    "lr": 3e-3, "final_lr": 0.0, "warmup": 300, "weight_decay": 1e-4, "clip": 2.0, "ema": 0.999, "dropout": 0.0, "loc_lr": 1.0,
    "loc_freeze": 0, "clean": False, "targets": {}, "augment": {}, "calm": 0, "eval_every": 1, "init": None, "restat": 0,
    "pool": 0, "pool_seed": 1, "shake": {}, "degrade": {}, "choose": "best",
}


def engine_for(config: dict):
    shape = Shape.of(config["shape"])
    if config["engine"] == "torch":
        from torch_engine import TorchEngine as Engine
    else:
        from fast_engine import FastEngine as Engine
    return Engine(shape, config["align_corners"], config["aux_norm"])


class Adam:
    """AdamW on flat vectors, with clipping and an exponential average of weights."""

    FIELDS = ("params", "m", "v", "stats", "ema", "ema_stats")

    def __init__(self, layout: Layout, params: np.ndarray, stats: np.ndarray, config: dict):
        self.config, self.layout = config, layout
        self.params, self.stats = params.copy(), stats.copy()
        self.m, self.v = np.zeros_like(params), np.zeros_like(params)
        self.ema, self.ema_stats = params.copy(), stats.copy()
        self.step = 0
        self.rate = np.where(layout.loc, np.float32(config["loc_lr"]), np.float32(1))
        self.decay = layout.matrix * np.float32(config["weight_decay"])

    def learning_rate(self, total: int) -> float:
        c = self.config
        if self.step < c["warmup"]:
            return c["lr"] * (self.step + 1) / c["warmup"]
        t = (self.step - c["warmup"]) / max(1, total - c["warmup"])
        return c["final_lr"] + (c["lr"] - c["final_lr"]) * 0.5 * (1 + math.cos(math.pi * min(1.0, t)))

    def update(self, grad: np.ndarray, batch_stats: np.ndarray, total: int) -> None:
        c, lr = self.config, self.learning_rate(total)
        if self.step < c["loc_freeze"]:
            grad[self.layout.loc] = 0
        norm = math.sqrt(float(np.dot(grad, grad)))
        if norm > c["clip"]:
            grad *= c["clip"] / norm
        self.step += 1
        self.m += 0.1 * (grad - self.m)
        self.v += 0.001 * (grad * grad - self.v)
        fix1, fix2 = 1 - 0.9 ** self.step, 1 - 0.999 ** self.step
        self.params -= (lr * self.rate) * ((self.m / fix1) / (np.sqrt(self.v / fix2) + 1e-8) + self.decay * self.params)
        # early on a long average would remember the start
        keep = min(c["ema"], (1 + self.step) / (10 + self.step))
        self.ema += (1 - keep) * (self.params - self.ema)
        self.stats += 0.1 * (batch_stats - self.stats)
        self.ema_stats += (1 - keep) * (batch_stats - self.ema_stats)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def settled_stats(engine, params, faces, config: dict) -> np.ndarray:
    """Norm statistics of the averaged weights themselves on plain and mirrored faces: the running ones belong to
    other weights and to distorted views. `restat` is the number of batches of 256."""
    rng = np.random.default_rng(config["seed"])
    total, seen = 0.0, np.zeros(engine.layout.n_stats, np.float32)
    for _ in range(config["restat"]):
        pick = rng.choice(len(faces), 256, replace=False)
        engine.observe(params, faces.images[pick], data.augmentation(rng, 256, {}), seen)
        total = total + seen.astype(np.float64) / config["restat"]
    return total.astype(np.float32)


def save_public(path: Path, config: dict, layout: Layout, params, stats) -> DeepEmotion:
    """Folds auxiliary norms and writes the plain state_dict."""
    net = DeepEmotion(Shape.of(config["shape"]), config["align_corners"], aux_norm=config["aux_norm"])
    plain = layout.scatter(net, params, stats).eval().folded()
    torch.save(plain.state_dict(), path)
    return plain


def theta_spread(config: dict, layout: Layout, params, stats, faces) -> float:
    """Largest standard deviation of an entry of θ over 256 faces: 0 means that the localization branch is dead."""
    net = layout.scatter(DeepEmotion(Shape.of(config["shape"]), config["align_corners"], aux_norm=config["aux_norm"]), params, stats).eval()
    with torch.no_grad():
        theta = net.theta(torch.from_numpy(faces.images[:256].astype(np.float32) / 127.5 - 1)[:, None])
    return round(float(theta.std(0).max()), 5)


def run(config: dict, data_path, out: Path, until=None) -> None:
    name = config["name"]
    train, valid = data.load(data_path, config["clean"])
    spec = config["targets"]
    plain = target = data.targets(train, spec)
    taught = np.load(out / spec["teacher"], mmap_mode="r") if spec.get("teacher") else None
    sets = 2 * config["pool"] + 1
    assert taught is None or taught.shape[0] == sets, "teacher was written for another pool of views"
    engine = engine_for(config)
    layout = engine.layout
    torch.manual_seed(config["seed"])
    net = DeepEmotion(Shape.of(config["shape"]), aux_norm=config["aux_norm"])
    params, stats = layout.gather(net)
    last, log = out / f"{name}.last.npz", HERE / "logs" / f"{name}.jsonl"
    if config["init"] and not last.exists():
        start = np.load(out / config["init"])
        params, stats = start["ema"].astype(np.float32), start["ema_stats"].astype(np.float32)
    adam = Adam(layout, params, stats, config)
    out.mkdir(parents=True, exist_ok=True)
    first, best = 0, 0.0
    if last.exists():
        saved = np.load(last)
        for field in Adam.FIELDS:
            setattr(adam, field, saved[field].copy())
        adam.step, first, best = int(saved["step"]), int(saved["epoch"]), float(saved["best"])
        lines = [l for l in log.read_text().splitlines() if json.loads(l).get("epoch", 0) <= first]
        log.write_text("".join(l + "\n" for l in lines))
    else:
        log.write_text(json.dumps({"config": config}) + "\n")
    per_epoch = len(train) // config["batch"]
    total = per_epoch * config["epochs"]
    grad, batch_stats = np.zeros_like(adam.params), np.zeros_like(adam.stats)
    width = engine.layout.views(adam.params)["fc1.weight"].shape[1]
    for epoch in range(first + 1, (until or config["epochs"]) + 1):
        # each epoch draws from its own stream: a resume repeats it exactly
        rng = np.random.default_rng([config["seed"], epoch])
        order = rng.permutation(len(train))
        calm = epoch > config["epochs"] - config["calm"]
        index = sets - 1 if calm or not config["pool"] else (epoch - 1) % (sets - 1)
        views = data.view_set(config, index, len(train)) if config["pool"] else (
            data.augmentation(rng, len(train), {} if calm else config["augment"]))
        if config["shake"] and not calm:
            views = data.shaken(rng, views, config["shake"])
        if taught is not None:
            target = data.blend(plain, taught[index], spec)
        images = degraded_copy(train.images, config["degrade"], rng) if config["degrade"] else train.images
        began, cpu, losses = time.time(), time.process_time(), 0.0
        for i in range(per_epoch):
            pick = order[i * config["batch"]:(i + 1) * config["batch"]]
            keep = None
            if config["dropout"]:
                keep = (rng.random((len(pick), width), np.float32) >= config["dropout"]).astype(np.float32)
                keep /= 1 - config["dropout"]
            losses += engine.step(adam.params, images[pick], views[pick], target[pick], keep, grad, batch_stats)
            adam.update(grad, batch_stats, total)
        line = {"epoch": epoch, "loss": round(losses / per_epoch, 5), "lr": round(adam.learning_rate(total), 7),
                "seconds": round(time.time() - began, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
        if epoch % config["eval_every"] == 0 or epoch == config["epochs"]:
            norms = settled_stats(engine, adam.ema, train, config) if config["restat"] else adam.ema_stats
            one = engine.logits(adam.ema, norms, valid.images)
            two = engine.logits(adam.ema, norms, valid.images, mirror=True)
            right = lambda p: round(float((p.argmax(1) == valid.labels).mean()), 5)
            line.update(theta=theta_spread(config, layout, adam.ema, norms, valid), public=right(one), public_mirror=right(softmax(one) + softmax(two)),
                        public_nll=round(float(-np.log(softmax(one)[np.arange(len(one)), valid.labels]).mean()), 4))
            if line["public"] > best or config["choose"] == "last":
                best = line["public"]
                save_public(out / f"{name}.pt", config, layout, adam.ema, norms)
        with open(log, "a") as f:
            f.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        scratch = last.with_suffix(".tmp.npz")
        np.savez(scratch, step=adam.step, epoch=epoch, best=best, **{k: getattr(adam, k) for k in Adam.FIELDS})
        os.replace(scratch, last)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--data")
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--until", type=int, help="stop after this epoch; the schedule stays that of the config")
    args = parser.parse_args()
    given = json.loads(Path(args.config).read_text())
    unknown = set(given) - set(DEFAULTS) - {"name"}
    if unknown:
        raise SystemExit(f"unknown settings: {', '.join(sorted(unknown))}")
    run({**DEFAULTS, "name": Path(args.config).stem, **given}, args.data, args.out, args.until)
