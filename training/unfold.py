"""A shipped model as a start for training: its auxiliary norms are put back, the localization branch may be drawn anew.

    python3 training/unfold.py MODEL_FOLDER CONFIG --data DIR_OR_CSV [--fresh-loc] [--out training/out]

Writes OUT/NAME@VERSION.npz, which a config names as `init`; CONFIG gives shape, seed and align_corners. The network computes
what the shipped one computes. With --fresh-loc the branch starts from random filters and the mean θ of the old one.
"""
from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import data
from deep_emotion import DeepEmotion, Shape, shape_of_state
from flat import Layout
from train import DEFAULTS, HERE


def read_safetensors(path: Path) -> dict:
    """Names and float32 tensors of a file that the export wrote."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    entries = json.loads(raw[8:8 + size])
    entries.pop("__metadata__", None)
    cut = lambda e: np.frombuffer(raw, np.float32, int(np.prod(e["shape"])), 8 + size + e["data_offsets"][0]).reshape(e["shape"])
    return {name: torch.from_numpy(cut(e).copy()) for name, e in entries.items() if e["dtype"] == "F32"}


def load_model(folder: Path, align_corners: bool = False) -> DeepEmotion:
    """A shipped model as an eval-mode network."""
    state = read_safetensors(folder / "weights.safetensors")
    net = DeepEmotion(shape_of_state(state), align_corners)
    net.load_state_dict(state, strict=False)
    return net.eval()


def unfold(plain: DeepEmotion, images: np.ndarray, fresh_loc: bool) -> DeepEmotion:
    """The network with auxiliary norms that computes the same: each norm takes over the mean and the spread that the layer
    before it has on `images`, and the layer's weights get the size of a fresh initialization."""
    net = DeepEmotion(plain.shape, plain.align_corners, aux_norm=True)
    fresh = {k: v.clone() for k, v in net.state_dict().items() if "loc" in k}
    net.load_state_dict(plain.state_dict(), strict=False)
    seen, hooks = {}, []
    for name in DeepEmotion.AUX:
        def note(_, __, y, name=name):
            y = y[:, :, :16, :16] if name == "localization.3" else y
            seen[name] = y.transpose(0, 1).flatten(1).double()
        hooks.append(plain.get_submodule(name).register_forward_hook(note))
    x = torch.from_numpy(images.astype(np.float32) / 127.5 - 1)[:, None]
    with torch.no_grad():
        plain(x)
        theta = plain.theta(x).mean(0)
    for hook in hooks:
        hook.remove()
    for name in DeepEmotion.AUX:
        layer, bn = net.get_submodule(name), net.aux[name.replace(".", "_")]
        mean, var = seen[name].mean(1), seen[name].var(1)
        rows = layer.weight.data.flatten(1)
        size = (1 / (3 * rows.shape[1])) ** 0.5 / rows.square().mean(1).sqrt().clamp_min(1e-8)
        layer.weight.data.mul_(size.view(-1, *[1] * (layer.weight.dim() - 1)))
        layer.bias.data.mul_(size)
        bn.running_mean.copy_(mean * size)
        bn.running_var.copy_(var * size ** 2)
        bn.weight.data.copy_(torch.sqrt(bn.running_var.double() + bn.eps) / size)
        bn.bias.data.copy_(mean)
    if fresh_loc:
        net.load_state_dict(fresh, strict=False)
        net.fc_loc[2].bias.data.copy_(theta.flatten())
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--fresh-loc", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "out")
    args = parser.parse_args()
    config = {**DEFAULTS, **json.loads(args.config.read_text())}
    train, valid = data.load(args.data, config["clean"])
    torch.manual_seed(config["seed"])
    plain = load_model(args.model, config["align_corners"])
    pick = np.random.default_rng(config["seed"]).choice(len(train), 1024, replace=False)
    net = unfold(plain, train.images[pick], args.fresh_loc)
    x = torch.from_numpy(valid.images[:512].astype(np.float32) / 127.5 - 1)[:, None]
    with torch.no_grad():
        gap = float((net(x) - plain(x)).abs().max())
        spread = plain.theta(x).std(0).max()
    print(f"largest difference of a logit {gap:.1e}; θ of the shipped model varies by {spread:.1e}")
    params, stats = Layout(Shape.of(config["shape"]), True).gather(net)
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez(args.out / f"{args.model.name}.npz", ema=params, ema_stats=stats)


if __name__ == "__main__":
    main()
