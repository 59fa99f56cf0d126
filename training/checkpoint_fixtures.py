"""Writes test/golden/checkpoints: one tiny network saved in every way that real checkpoints are.

    python3 training/checkpoint_fixtures.py

checkpoints.bin.gz holds the files one behind the other (they differ little, so gzip makes them small); expected.json
says where each begins and holds the values as PyTorch reads them back in float32.
"""
from __future__ import annotations

import base64
import gzip
import io
import json
from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn as nn
import torch.serialization

from deep_emotion import DeepEmotion, Shape

OUT = Path(__file__).resolve().parent.parent / "test" / "golden" / "checkpoints"


def tiny() -> DeepEmotion:
    torch.manual_seed(7)
    net = DeepEmotion(Shape((2, 1), 1, (1, 2, 1, 1), 2))
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.randn(value.shape) * 0.5)
    net.norm.running_var.abs_().add_(0.5)
    return net


FILES: "OrderedDict[str, bytes]" = OrderedDict()


def save(name: str, value: object, **options) -> None:
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    FILES[name] = stream.getvalue()


def cast(state: dict, dtype: torch.dtype) -> OrderedDict:
    return OrderedDict((k, v.to(dtype) if v.is_floating_point() else v) for k, v in state.items())


def transposed(state: dict) -> OrderedDict:
    """Every matrix and kernel as a view whose strides are reversed, with a gap in front."""
    out = OrderedDict()
    for name, value in state.items():
        if value.dim() > 1:
            order = tuple(reversed(range(value.dim())))
            padded = torch.cat([torch.full((3,), 9.0), value.permute(order).contiguous().flatten()])
            value = padded[3:].view([value.shape[i] for i in order]).permute(order)
            assert not value.is_contiguous() or 1 in value.shape
        out[name] = value
    return out


def flattened(state: dict) -> OrderedDict:
    """All floating-point tensors as views of one storage."""
    floats = {k: v for k, v in state.items() if v.is_floating_point()}
    flat, at, out = torch.cat([v.flatten() for v in floats.values()]), 0, OrderedDict()
    for name, value in floats.items():
        out[name] = flat[at:at + value.numel()].view(value.shape)
        at += value.numel()
    return out


def values(state: dict) -> str:
    """All floating-point tensors, one behind the other, as little-endian float32 in base64."""
    flat = torch.cat([v.float().flatten() for v in state.values() if v.is_floating_point()])
    return base64.b64encode(flat.numpy().astype("<f4").tobytes()).decode()


def main() -> None:
    # the legacy format stores the source text of every module class, which no reader needs
    torch.serialization.get_source_lines_and_file = lambda obj: (["# source left out"], 1, "module.py")
    OUT.mkdir(parents=True, exist_ok=True)
    net = tiny()
    state = net.state_dict()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(2, 1, 48, 48)).sum().backward()
    net.eval()
    optimizer.zero_grad(set_to_none=True)
    parallel = nn.DataParallel(net)
    save("zip", state)
    save("legacy", state, _use_new_zipfile_serialization=False)
    save("protocol-4", state, pickle_protocol=4)
    save("module", net)
    save("module-legacy", net, _use_new_zipfile_serialization=False)
    save("parallel-wrapped", {"epoch": 3, "state_dict": parallel.state_dict(), "best": 0.5, "align_corners": True,
                              "optimizer": optimizer.state_dict()})
    save("parallel-module", {"model": parallel, "epoch": 3})
    save("half", {"model_state_dict": cast(state, torch.float16)})
    save("bfloat16", {"net": cast(state, torch.bfloat16), "epoch": 1})
    save("double", cast(state, torch.float64))
    save("transposed", transposed(state))
    save("flattened", flattened(state))
    save("parameters", OrderedDict(net.state_dict(keep_vars=True)))
    shapes = {k: list(v.shape) for k, v in state.items() if v.is_floating_point()}
    places, at = {}, 0
    for name, content in FILES.items():
        places[name] = [at, at + len(content)]
        at += len(content)
    expected = {"about": f"PyTorch {torch.__version__}; written by training/checkpoint_fixtures.py", "files": places, "shapes": shapes,
                "float32": values(state), "float16": values(cast(state, torch.float16)),
                "bfloat16": values(cast(state, torch.bfloat16))}
    (OUT / "expected.json").write_text(json.dumps(expected).replace('", "', '",\n"') + "\n")
    (OUT / "checkpoints.bin.gz").write_bytes(gzip.compress(b"".join(FILES.values()), 9, mtime=0))
    print({p.name: p.stat().st_size for p in sorted(OUT.iterdir())})


if __name__ == "__main__":
    main()
