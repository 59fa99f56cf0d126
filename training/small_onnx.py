"""A small network trained in a few lines and written as an ONNX file: what docs/models.md imports.

    python3 training/small_onnx.py --data FER2013 --out small.onnx

Any PyTorch trains it; its exporter may need onnx and onnxscript (2.13 does, and writes small.onnx.data too; 1.13 does not).
"""
from __future__ import annotations

import argparse

import torch
from torch import nn

from data import load


def block(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]


def make() -> nn.Module:
    """[N,1,48,48] in 0..1 -> logits [N,7]."""
    return nn.Sequential(
        *block(1, 16), *block(16, 32), *block(32, 48), *block(48, 64), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 9, 7)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", default="small.onnx")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--faces", type=int, default=100_000, help="train on so many of the faces at most")
    options = parser.parse_args()
    torch.manual_seed(0)
    network = make()
    faces, held = load(options.data)
    faces = faces.take(slice(0, options.faces))
    images = torch.from_numpy(faces.images).float().div(255).unsqueeze(1)
    labels = torch.from_numpy(faces.labels).long()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for epoch in range(options.epochs):
        total = 0.0
        for index in torch.randperm(len(labels)).split(128):
            batch = images[index]
            batch = torch.where(torch.rand(len(index), 1, 1, 1) < 0.5, batch, batch.flip(3))
            loss = nn.functional.cross_entropy(network(batch), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        print(f"epoch {epoch + 1}: loss {total / len(labels):.3f}", flush=True)
    network.eval()
    with torch.no_grad():
        scores = network(torch.from_numpy(held.images).float().div(255).unsqueeze(1))
    right = (scores.argmax(1).numpy() == held.labels).mean()
    print(f"PublicTest: {right:.4f}")
    torch.onnx.export(network, images[:1], options.out, input_names=["faces"], output_names=["scores"],
                      dynamic_axes={"faces": {0: "n"}, "scores": {0: "n"}})


if __name__ == "__main__":
    main()
