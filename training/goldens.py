"""Golden values from PyTorch for the other engines' tests, on made-up weights and made-up faces.

    python3 training/goldens.py                      writes test/golden/network.json
    python3 training/goldens.py --model NAME FILE    writes test/golden/NAME.json for a trained .pt;
                                                     --half where it ships rounded to float16

Weights and faces are not shipped: both come from an integer-exact generator (see GENERATOR), which
any language can repeat bit by bit.
"""
from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from deep_emotion import LABELS, DeepEmotion, Shape, load

ROOT = Path(__file__).resolve().parent.parent / "test" / "golden"

GENERATOR = {
    "random": "mulberry32(seed): a = (a + 0x6D2B79F5) mod 2^32; t = imul(a ^ a>>>15, 1 | a); "
              "t = (t + imul(t ^ t>>>7, 61 | t)) ^ t; next = (t ^ t>>>14) >>> 0; u = next / 2^32",
    "weights": "one stream a set, tensors in the order of `tensors`, elements in row-major order; element = "
               "fround(offset + scale * (2u - 1)) in doubles; scale = gain * sqrt(3 / fan_in) where a gain is "
               "given; a tensor with `values` draws nothing",
    "faces": {
        "noise": "stream(seed); pixel = next >>> 24, row-major",
        "ramp": "pixel(r,c) = (a*r + b*c + o) mod 256",
        "constant": "pixel = value",
        "blobs": "integers only: stream(seed); bg = 40 + next % 100; count = 7; for each blob: cy = next % 48, "
                 "cx = next % 48, ry = 3 + next % 18, rx = 3 + next % 18, amp = (next % 281) - 140 ; pixel = clamp(bg + sum of "
                 "trunc(amp * max(0, q) / Q), 0, 255) with Q = ry*ry*rx*rx and "
                 "q = Q - (r-cy)^2*rx*rx - (c-cx)^2*ry*ry; trunc rounds towards zero",
    },
    "input": "x = (pixel / 255 - 0.5) / 0.5",
}

FACES = [
    {"kind": "blobs", "seed": 11}, {"kind": "blobs", "seed": 12}, {"kind": "blobs", "seed": 13},
    {"kind": "blobs", "seed": 14}, {"kind": "ramp", "a": 5, "b": 3, "o": 17}, {"kind": "noise", "seed": 15},
    {"kind": "constant", "value": 90},
]

SETS = [
    {"name": "near-identity", "seed": 101, "shape": {}, "theta": [1, 0, 0, 0, 1, 0], "theta_gain": 0.15},
    {"name": "leaves-the-image", "seed": 102, "shape": {}, "theta": [0.9, -0.7, 0.6, 0.8, 1.3, -0.5], "theta_gain": 0.3},
    {"name": "zooms-in", "seed": 103, "shape": {}, "theta": [0.45, 0.1, -0.25, -0.05, -0.5, 0.2], "theta_gain": 0.3},
    {"name": "wider", "seed": 104, "theta": [1, 0.1, 0, -0.1, 1, 0], "theta_gain": 0.2,
     "shape": {"loc": [6, 9], "loc_hidden": 20, "conv": [12, 16, 24, 20], "hidden": 33}},
]


class Mulberry:
    def __init__(self, seed: int):
        self.a = seed & 0xFFFFFFFF

    def next(self) -> int:
        self.a = (self.a + 0x6D2B79F5) & 0xFFFFFFFF
        a = self.a
        t = ((a ^ (a >> 15)) * (1 | a)) & 0xFFFFFFFF
        t = (((t + (((t ^ (t >> 7)) * (61 | t)) & 0xFFFFFFFF)) & 0xFFFFFFFF) ^ t) & 0xFFFFFFFF
        return (t ^ (t >> 14)) & 0xFFFFFFFF


def face(spec: dict) -> np.ndarray:
    """One synthetic face, [48,48] uint8."""
    kind = spec["kind"]
    out = np.zeros((48, 48), np.uint8)
    rng = Mulberry(spec.get("seed", 0))
    if kind == "blobs":
        bg = 40 + rng.next() % 100
        blobs = [[rng.next() % 48, rng.next() % 48, 3 + rng.next() % 18, 3 + rng.next() % 18,
                  rng.next() % 281 - 140] for _ in range(7)]
    for r in range(48):
        for c in range(48):
            if kind == "noise":
                v = rng.next() >> 24
            elif kind == "ramp":
                v = (spec["a"] * r + spec["b"] * c + spec["o"]) % 256
            elif kind == "constant":
                v = spec["value"]
            else:
                v = bg
                for cy, cx, ry, rx, amp in blobs:
                    big = ry * ry * rx * rx
                    q = max(0, big - (r - cy) ** 2 * rx * rx - (c - cx) ** 2 * ry * ry)
                    v += int(math.copysign(abs(amp) * q // big, amp))
            out[r, c] = min(255, max(0, v))
    return out


def faces() -> torch.Tensor:
    """All of FACES as network input [N,1,48,48]."""
    pixels = np.stack([face(f) for f in FACES]).astype(np.float64)
    return torch.from_numpy(((pixels / 255 - 0.5) / 0.5).astype(np.float32))[:, None]


def recipe(spec: dict) -> list:
    """The tensors of one weight set, in stream order: shape and how to draw each."""
    state = DeepEmotion(Shape.of(spec["shape"])).public_state()
    rows = []
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        row = {"name": name, "shape": list(value.shape)}
        if name == "fc_loc.2.bias":
            row["values"] = spec["theta"]
        elif name in ("norm.weight", "norm.running_var"):
            row.update(offset=1.0, scale=0.5)
        elif value.dim() == 1:
            row.update(offset=0.0, scale=0.125)
        else:
            gain = {"fc_loc.2.weight": spec["theta_gain"], "fc2.weight": 4.0}.get(name, 1.5)
            row.update(offset=0.0, gain=gain, fan_in=int(np.prod(value.shape[1:])))
        rows.append(row)
    return rows


def weights(spec: dict) -> dict:
    """The state_dict that a recipe describes."""
    rng, state = Mulberry(spec["seed"]), {}
    for row in recipe(spec):
        if "values" in row:
            flat = [float(v) for v in row["values"]]
        else:
            scale = row["scale"] if "scale" in row else row["gain"] * math.sqrt(3 / row["fan_in"])
            flat = [row["offset"] + scale * (2 * (rng.next() / 4294967296) - 1) for _ in range(int(np.prod(row["shape"])))]
        state[row["name"]] = torch.tensor(np.array(flat).astype(np.float32).reshape(row["shape"]))
    return state


def expect(net: DeepEmotion, x: torch.Tensor) -> dict:
    """θ, logits and probabilities in float32 eval mode, as decimals that round-trip."""
    with torch.no_grad():
        theta, logits = net.theta(x), net(x)
        rows = lambda t: [[float(f"{v:.9g}") for v in r] for r in t.flatten(1).numpy().astype(np.float64)]
        return {"theta": rows(theta), "logits": rows(logits), "probabilities": rows(torch.softmax(logits, 1))}


def write(name: str, body: dict) -> None:
    ROOT.mkdir(parents=True, exist_ok=True)
    head = json.dumps(body, indent=1)
    # one line a row of numbers keeps the file readable and small
    import re
    text = re.sub(r"\[\s+((?:-?[\d.e+-]+,?\s+)+)\]", lambda m: "[" + " ".join(m.group(1).split()) + "]", head)
    (ROOT / f"{name}.json").write_text(text + "\n")


def network() -> None:
    x, sets = faces(), []
    for spec in SETS:
        entry = {"name": spec["name"], "seed": spec["seed"], "shape": Shape.of(spec["shape"]).as_dict(),
                 "tensors": recipe(spec)}
        state = weights(spec)
        entry["probe"] = {k: [float(f"{v:.9g}") for v in state[k].flatten()[:3].tolist()]
                          for k in ("localization.0.weight", "conv4.weight", "fc2.bias")}
        for align in (False, True):
            net = DeepEmotion(Shape.of(spec["shape"]), align).eval()
            net.load_state_dict(state, strict=False)
            entry["align_corners_" + str(align).lower()] = expect(net, x)
        sets.append(entry)
    write("network", {
        "about": f"PyTorch {torch.__version__}, float32, eval mode; written by training/goldens.py",
        "generator": GENERATOR, "labels": LABELS, "faces": FACES,
        "face_sums": [int(face(f).astype(int).sum()) for f in FACES], "sets": sets})


def trained(name: str, path: str, half: bool) -> None:
    net = load(path)
    net = net.half().float() if half else net
    weights = f"{name} rounded to float16" if half else name
    write(name, {
        "about": f"PyTorch {torch.__version__}, float32, eval mode, weights {weights}; written by training/goldens.py",
        "align_corners": net.align_corners, "shape": net.shape.as_dict(), "generator": {"faces": GENERATOR["faces"], "random": GENERATOR["random"], "input": GENERATOR["input"]},
        "labels": LABELS, "faces": FACES, **expect(net, faces())})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs=2, metavar=("NAME", "FILE"))
    parser.add_argument("--half", action="store_true", help="round the weights of --model to float16")
    args = parser.parse_args()
    trained(*args.model, args.half) if args.model else network()
