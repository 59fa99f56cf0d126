"""The classic baselines, measured like the networks: trained on Training, chosen and measured on PublicTest.

    python3 training/baselines.py hog-svm  --data DIR_OR_CSV     HOG + linear SVM; writes out/hog-svm-1.{pt,npz}
    python3 training/baselines.py sift-svm --data ...            dense SIFT, bag of words + linear SVM
    python3 training/baselines.py hog-forest --data ...          HOG + random forest

Needs numpy, scipy and scikit-learn; the SIFT descriptor is computed here. Each prints one JSON line and adds
it to logs/baselines.jsonl.
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize, minimize_scalar

import data
from evaluate import softmax
from hog import DEFINITION, hog, hog_many

HERE = Path(__file__).resolve().parent
SEED = 1


def linear_svm(x: np.ndarray, labels: np.ndarray, cost: float):
    """One-vs-rest squared-hinge SVM, all classes in one L-BFGS run -> weight [7,D], bias [7].

    Minimises |W|^2 / 2 + cost * sum of max(0, 1 - y * score)^2.
    """
    sign = np.where(labels[:, None] == np.arange(7), 1.0, -1.0).astype(np.float32)
    d = x.shape[1]

    def loss(flat):
        w, b = flat[:7 * d].reshape(7, d).astype(np.float32), flat[7 * d:].astype(np.float32)
        slack = np.maximum(0, 1 - sign * (x @ w.T + b))
        back = (-2 * cost) * sign * slack
        value = 0.5 * float((w.astype(np.float64) ** 2).sum()) + cost * float((slack.astype(np.float64) ** 2).sum())
        return value, np.concatenate([(w + back.T @ x).ravel(), back.sum(0)]).astype(np.float64)

    found = minimize(loss, np.zeros(7 * d + 7), jac=True, method="L-BFGS-B", options={"maxiter": 250, "maxcor": 20})
    return found.x[:7 * d].reshape(7, d).astype(np.float32), found.x[7 * d:].astype(np.float32)


def best_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The T that makes softmax(scores / T) likeliest."""
    rows = np.arange(len(labels))
    cost = lambda t: -np.log(softmax(scores / np.exp(t))[rows, labels] + 1e-12).mean()
    return float(np.exp(minimize_scalar(cost, bounds=(-4, 3), method="bounded").x))


def ece(p: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error of the top probability."""
    top, right = p.max(1), p.argmax(1) == labels
    where = np.minimum((top * bins).astype(int), bins - 1)
    return float(sum(abs(right[where == k].mean() - top[where == k].mean()) * (where == k).mean()
                     for k in range(bins) if (where == k).any()))


def report(name: str, began: float, **values) -> None:
    line = {"baseline": name, **values, "cpu_seconds": round(time.process_time() - began, 1)}
    print(json.dumps(line), flush=True)
    with open(HERE / "logs" / "baselines.jsonl", "a") as f:
        f.write(json.dumps(line) + "\n")


def hog_svm(train, valid) -> None:
    began = time.process_time()
    a, b = hog_many(train.images), hog_many(valid.images)
    best = None
    for cost in (0.003, 0.01, 0.03, 0.1):
        w, c = linear_svm(a, train.labels, cost)
        accuracy = float(((b @ w.T + c).argmax(1) == valid.labels).mean())
        report("hog-svm", began, cost=cost, public=round(accuracy, 5))
        if best is None or accuracy > best[0]:
            best = (accuracy, cost, w, c)
    accuracy, cost, w, c = best
    # the temperature comes from Training faces that the scores have not seen
    fold = np.random.default_rng(SEED).integers(0, 5, len(a))
    w1, c1 = linear_svm(a[fold != 0], train.labels[fold != 0], cost)
    temperature = best_temperature(a[fold == 0] @ w1.T + c1, train.labels[fold == 0])
    scores = b @ w.T + c
    p = softmax(scores / temperature)
    report("hog-svm", began, cost=cost, public=round(accuracy, 5), temperature=round(temperature, 5),
           ece_before=round(ece(softmax(scores), valid.labels), 4), ece_after=round(ece(p, valid.labels), 4))
    out = HERE / "out"
    out.mkdir(exist_ok=True)
    tensors = {"weight": w, "bias": c, "temperature": np.float32([temperature])}
    np.savez(out / "hog-svm-1.npz", **tensors)
    import torch
    torch.save({k: torch.from_numpy(v) for k, v in tensors.items()}, out / "hog-svm-1.pt")
    golden(w, c, float(tensors["temperature"][0]))


def golden(w, c, temperature: float) -> None:
    """test/golden/hog-svm-1.json: features and probabilities of the made-up faces."""
    from goldens import FACES, GENERATOR, face, write
    from deep_emotion import LABELS
    x = np.stack([hog(face(f)[None])[0] for f in FACES])
    # doubles for the features, float32 weights widened to double
    p = softmax((x @ w.T.astype(np.float64) + c.astype(np.float64)) / temperature)
    row = lambda v: [float(f"{t:.9g}") for t in v]
    write("hog-svm-1", {"about": "numpy, doubles; written by training/baselines.py", "definition": DEFINITION,
                        "generator": {k: GENERATOR[k] for k in ("random", "faces")}, "labels": LABELS, "faces": FACES,
                        "temperature": temperature, "feature_sums": row(x.sum(1)),
                        "features_first_18": [row(v[:18]) for v in x],
                        "features_last_9": [row(v[-9:]) for v in x],
                        "probabilities": [row(v) for v in p]})


def sift(pixels: np.ndarray, cell: int, stride: int) -> np.ndarray:
    """Dense SIFT: 4x4 cells of `cell` pixels, 8 signed bins, Gaussian window, cut at 0.2 -> [N,P,128] float32."""
    p = np.pad(pixels.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    gx, gy = p[:, 1:-1, 2:] - p[:, 1:-1, :-2], p[:, 2:, 1:-1] - p[:, :-2, 1:-1]
    magnitude, position = np.hypot(gx, gy), (np.arctan2(gy, gx) / (2 * np.pi) * 8) % 8
    low = np.floor(position)
    f, low = position - low, low.astype(np.int64) % 8
    planes = np.stack([np.where(low == k, magnitude * (1 - f), 0) + np.where((low + 1) % 8 == k, magnitude * f, 0)
                       for k in range(8)], 1)
    total = np.pad(planes.cumsum(2).cumsum(3), ((0, 0), (0, 0), (1, 0), (1, 0)))
    sums = total[..., cell:, cell:] - total[..., :-cell, cell:] - total[..., cell:, :-cell] + total[..., :-cell, :-cell]
    at = np.arange(0, 48 - 4 * cell + 1, stride)
    window = np.exp(-0.5 * ((np.arange(4) - 1.5) / 2.0) ** 2)
    parts = [sums[:, :, at[:, None] + i * cell, at[None] + j * cell] * (window[i] * window[j]) for i in range(4) for j in range(4)]
    v = np.stack(parts, 2).reshape(len(p), 128, -1).transpose(0, 2, 1)
    v = v / (np.linalg.norm(v, axis=2, keepdims=True) + 1)
    v = np.minimum(v, 0.2)
    return (v / (np.linalg.norm(v, axis=2, keepdims=True) + 1e-6)).astype(np.float32)


def sift_svm(train, valid, words: int = 400) -> None:
    from sklearn.cluster import MiniBatchKMeans
    began = time.process_time()
    rng = np.random.default_rng(SEED)
    scales = ((3, 3), (5, 4))
    sample = np.concatenate([sift(train.images[rng.choice(len(train), 800, False)], *s).reshape(-1, 128) for s in scales])
    sample = sample[rng.permutation(len(sample))[:80000]]
    centres = MiniBatchKMeans(words, random_state=SEED, n_init=1, batch_size=4096, max_iter=30).fit(sample).cluster_centers_
    centres = centres.astype(np.float32)
    bias = (centres ** 2).sum(1) / 2

    def bags(images):
        out = []
        for i in range(0, len(images), 500):
            bag = np.zeros((len(images[i:i + 500]), 2, 2, words), np.float32)
            for s in scales:
                d = sift(images[i:i + 500], *s)
                side = int(round(d.shape[1] ** 0.5))
                word = (d.reshape(-1, 128) @ centres.T - bias).argmax(1).reshape(len(d), side, side)
                half = (np.arange(side) * 2 >= side).astype(int)
                n = np.arange(len(d))[:, None, None]
                # four quarters of the image keep a little of where a word was seen
                np.add.at(bag, (n, half[None, :, None], half[None, None, :], word), 1)
            bag = bag.reshape(len(bag), -1)
            out.append(np.sqrt(bag / bag.sum(1, keepdims=True)))
        return np.concatenate(out)

    a, b = bags(train.images), bags(valid.images)
    for cost in (0.3, 3.0):
        w, c = linear_svm(a, train.labels, cost)
        report("sift-svm", began, words=words, cost=cost, public=round(float(((b @ w.T + c).argmax(1) == valid.labels).mean()), 5))


def hog_forest(train, valid) -> None:
    from sklearn.ensemble import RandomForestClassifier
    began = time.process_time()
    model = RandomForestClassifier(100, min_samples_leaf=2, random_state=SEED, n_jobs=1)
    model.fit(hog_many(train.images), train.labels)
    right = model.predict(hog_many(valid.images)) == valid.labels
    report("hog-forest", began, trees=100, public=round(float(right.mean()), 5))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=["hog-svm", "sift-svm", "hog-forest"])
    parser.add_argument("--data")
    args = parser.parse_args()
    {"hog-svm": hog_svm, "sift-svm": sift_svm, "hog-forest": hog_forest}[args.which](*data.load(args.data))
