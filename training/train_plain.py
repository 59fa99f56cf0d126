"""Trains a plain 3x3 network (plain_net.py) from one config file; run again, it goes on from the last finished epoch.

    python3 training/train_plain.py training/configs/NAME.json --data DIR_OR_CSV [--device cuda] [--out training/out]

SGD with Nesterov momentum: a warm-up, a constant rate, then a cosine to zero over the last `decay` epochs, so that a run can be
lengthened until its decay begins. Writes OUT/NAME.npz (averaged weights, norm statistics measured again, float16), OUT/NAME.last.pt
(everything that a resume needs) and training/logs/NAME.jsonl. With `teachers`, views are drawn from a pool and each view's target is
mixed with the teachers' mean over it and its mirror image.
"""
from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import winograd
from degrade import degrade
from plain_net import PlainNet, PlainShape
from torch_engine import augment

HERE = Path(__file__).resolve().parent
DEFAULTS = {
    "seed": 1, "shape": {}, "epochs": 100, "decay": 30, "batch": 128, "lr": 0.08, "warmup": 400, "momentum": 0.9, "weight_decay": 5e-4,
    "ema": 0.999, "channel_drop": 0.05, "drop": 0.3, "mixup": 0.0, "clean": False, "targets": {"calibrated": 0.4, "smoothing": 0.03},
    "augment": {}, "degrade": {}, "eval_every": 4, "init": None, "restat": 10, "teachers": [], "pool": 0, "pool_seed": 1,
}
PHOTOMETRIC = ("contrast", "brightness", "erase", "erase_size")


def autocast(device: str):
    """bfloat16 where the machine has units for it."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=not winograd.wanted(device))


def inputs(images: np.ndarray, views, device: str) -> torch.Tensor:
    """uint8 [N,48,48] and views [N,12] -> [N,1,48,48] on the device, channels last."""
    return augment(images, views, device).contiguous(memory_format=torch.channels_last)


def settled(net: PlainNet, images: np.ndarray, config: dict, device: str) -> PlainNet:
    """A copy in eval mode whose norm statistics are those of its own weights on undistorted faces."""
    out = copy.deepcopy(net).train()
    for module in out.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
        if isinstance(module, (nn.Dropout, nn.Dropout2d)):
            module.p = 0.0
    rng = np.random.default_rng(config["seed"])
    with torch.no_grad(), autocast(device):
        for _ in range(config["restat"]):
            pick = rng.choice(len(images), 256, replace=False)
            out(inputs(images[pick], data.augmentation(rng, 256, {}), device))
    return out.eval()


def probabilities(net: PlainNet, images: np.ndarray, device: str, views=None) -> np.ndarray:
    """[N,7] float32, for the faces or for their views."""
    out = []
    with torch.no_grad(), autocast(device):
        for i in range(0, len(images), 256):
            x = inputs(images[i:i + 256], None if views is None else views[i:i + 256], device)
            out.append(net(x).float().softmax(1).cpu().numpy())
    return np.concatenate(out)


def save_weights(path: Path, net: PlainNet) -> None:
    np.savez_compressed(path, **{k: v.cpu().numpy().astype(np.float16 if v.is_floating_point() and v.ndim > 1 else v.cpu().numpy().dtype)
                                 for k, v in net.state_dict().items()})


def load_weights(path: Path, shape: PlainShape, device: str) -> PlainNet:
    net = PlainNet(shape)
    saved = {k: torch.from_numpy(v) for k, v in np.load(path).items()}
    net.load_state_dict({k: v.to(net.state_dict()[k].dtype) for k, v in saved.items()})
    return net.to(device=device, memory_format=torch.channels_last).eval()


class Teacher:
    """Mean probabilities of networks over a view and its mirror image, computed when a view set is first used and kept on disk."""

    def __init__(self, config: dict, out: Path, device: str):
        self.config, self.device = config, device
        self.nets = [load_weights(out / t["weights"], PlainShape.of(t.get("shape", {})), device) for t in config["teachers"]]
        self.folder = out / f"{config['name']}.teacher"
        self.folder.mkdir(parents=True, exist_ok=True)

    def of(self, images: np.ndarray, pair: int) -> np.ndarray:
        path = self.folder / f"{pair:03d}.npy"
        if not path.exists():
            seen = [geometry(self.config, 2 * pair + k, len(images)) for k in (0, 1)]
            parts = [probabilities(net, images, self.device, views) for net in self.nets for views in seen]
            np.save(path, (sum(parts) / len(parts)).astype(np.float16))
        return np.load(path).astype(np.float32)


def geometry(config: dict, index: int, n: int) -> np.ndarray:
    """View set `index` of the pool without changes of light and without erased boxes."""
    spec = {k: v for k, v in config["augment"].items() if k not in PHOTOMETRIC}
    return data.view_set({**config, "augment": spec}, index, n)


def epoch_views(config: dict, epoch: int, rng: np.random.Generator, n: int):
    """(views [n,12], pair of the pool or None). Light and erased boxes are new in every epoch."""
    fresh = data.augmentation(rng, n, config["augment"])
    if not config["pool"]:
        return fresh, None
    index = (epoch - 1) % (2 * config["pool"])
    fresh[:, :6] = geometry(config, index, n)[:, :6]
    return fresh, index // 2


def rate(config: dict, step: int, per_epoch: int) -> float:
    total, decay = config["epochs"] * per_epoch, config["decay"] * per_epoch
    if step < config["warmup"]:
        return config["lr"] * (step + 1) / config["warmup"]
    if step < total - decay:
        return config["lr"]
    return config["lr"] * 0.5 * (1 + math.cos(math.pi * (step - (total - decay)) / decay))


def measure(net: PlainNet, valid: data.Faces, device: str) -> dict:
    one, two = probabilities(net, valid.images, device), probabilities(net, valid.images[:, :, ::-1].copy(), device)
    right = lambda p: round(float((p.argmax(1) == valid.labels).mean()), 5)
    recall = [float((one.argmax(1)[valid.labels == k] == k).mean()) for k in range(7)]
    nll = -np.log(one[np.arange(len(one)), valid.labels] + 1e-9).mean()
    return {"public": right(one), "public_mirror": right(one + two), "balanced": round(float(np.mean(recall)), 4), "public_nll": round(float(nll), 4)}


def run(config: dict, data_path, out: Path, device: str, until=None) -> None:
    name = config["name"]
    out.mkdir(parents=True, exist_ok=True)
    train, valid = data.load(data_path, config["clean"])
    plain = data.targets(train, config["targets"])
    torch.manual_seed(config["seed"])
    net = PlainNet(PlainShape.of(config["shape"]), config["channel_drop"], config["drop"])
    last, log = out / f"{name}.last.pt", HERE / "logs" / f"{name}.jsonl"
    if config["init"] and not last.exists():
        net.load_state_dict(load_weights(out / config["init"], net.shape, "cpu").state_dict())
    net = net.to(device=device, memory_format=torch.channels_last)
    net.by_winograd = winograd.wanted(device)
    ema = copy.deepcopy(net)
    matrices, rest = [p for p in net.parameters() if p.ndim > 1], [p for p in net.parameters() if p.ndim <= 1]
    sgd = torch.optim.SGD([{"params": matrices, "weight_decay": config["weight_decay"]}, {"params": rest, "weight_decay": 0.0}],
                          lr=config["lr"], momentum=config["momentum"], nesterov=True)
    first, step = 0, 0
    if last.exists():
        saved = torch.load(last, map_location=device)
        net.load_state_dict(saved["net"]), ema.load_state_dict(saved["ema"]), sgd.load_state_dict(saved["sgd"])
        first, step = saved["epoch"], saved["step"]
        lines = [line for line in log.read_text().splitlines() if json.loads(line).get("epoch", 0) <= first]
        log.write_text("".join(line + "\n" for line in lines))
    else:
        log.write_text(json.dumps({"config": config}) + "\n")
    teacher = Teacher(config, out, device) if config["teachers"] else None
    per_epoch = len(train) // config["batch"]
    for epoch in range(first + 1, (until or config["epochs"]) + 1):
        # each epoch draws from its own streams: a resume repeats it exactly
        rng = np.random.default_rng([config["seed"], epoch])
        torch.manual_seed(config["seed"] * 100_003 + epoch)
        began, losses = time.time(), 0.0
        order = rng.permutation(len(train))
        views, pair = epoch_views(config, epoch, rng, len(train))
        target = plain if teacher is None else data.blend(plain, teacher.of(train.images, pair), config["targets"])
        mixed = epoch <= config["mixup"] * config["epochs"]
        net.train()
        for i in range(per_epoch):
            pick = order[i * config["batch"]:(i + 1) * config["batch"]]
            x, t = degrade(inputs(train.images[pick], views[pick], device), config["degrade"]), torch.from_numpy(target[pick]).to(device)
            if mixed and i % 2 == 0:
                share, other = float(rng.beta(0.2, 0.2)), torch.from_numpy(rng.permutation(len(pick))).to(device)
                x, t = share * x + (1 - share) * x[other], share * t + (1 - share) * t[other]
            for group in sgd.param_groups:
                group["lr"] = rate(config, step, per_epoch)
            sgd.zero_grad(set_to_none=True)
            with autocast(device):
                logits = net(x.contiguous(memory_format=torch.channels_last))
            loss = -(t * F.log_softmax(logits.float(), 1)).sum(1).mean()
            loss.backward()
            sgd.step()
            step += 1
            losses += float(loss.detach())
            keep = min(config["ema"], (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_mul_(list(ema.parameters()), keep)
                torch._foreach_add_(list(ema.parameters()), [p.detach() for p in net.parameters()], alpha=1 - keep)
        line = {"epoch": epoch, "loss": round(losses / per_epoch, 5), "lr": round(rate(config, step, per_epoch), 6), "seconds": round(time.time() - began)}
        if epoch % config["eval_every"] == 0 or epoch == config["epochs"]:
            steady = settled(ema, train.images, config, device)
            line.update(measure(steady, valid, device))
            save_weights(out / f"{name}.npz", steady)
        with open(log, "a") as f:
            f.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        scratch = last.with_suffix(".tmp")
        torch.save({"net": net.state_dict(), "ema": ema.state_dict(), "sgd": sgd.state_dict(), "epoch": epoch, "step": step}, scratch)
        os.replace(scratch, last)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--data")
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--until", type=int, help="stop after this epoch; the schedule stays that of the config")
    args = parser.parse_args()
    given = json.loads(Path(args.config).read_text())
    unknown = set(given) - set(DEFAULTS) - {"name"}
    if unknown:
        raise SystemExit(f"unknown settings: {', '.join(sorted(unknown))}")
    torch.set_num_threads(args.threads)
    run({**DEFAULTS, "name": Path(args.config).stem, **given}, args.data, args.out, args.device, args.until)
