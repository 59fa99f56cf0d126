#!/usr/bin/env python3
"""Figures of a review, computed without this project's code: numpy and scipy only, from the definitions.

    python3 test/reference/review_reference.py

reads review-cases.json and writes review-figures.json beside it; test/unit/scoring/review/reference.test.ts compares the
TypeScript with them. Inclusion probabilities instead of strata for Horvitz-Thompson, a weighted least-squares slope for
lambda, pairs of labels for alpha, a generalized root search for Wilson's interval and the temperature: other routes to the
same numbers.
"""

import itertools
import json
import pathlib

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import t as student

HERE = pathlib.Path(__file__).parent
PRIOR_UNITS = 1.0
LEAST_SHARE = 0.002


def horvitz_thompson(strata, values):
    """Sum of y / inclusion probability over the sample, by the population."""
    population = sum(s["population"] for s in strata)
    total = 0.0
    for stratum, ys in zip(strata, values):
        probability = len(ys) / stratum["population"]
        total += sum(y / probability for y in ys)
    return total / population


def residual_variances(strata, values, predictions, means, lam):
    """Per stratum: the variance of its part of the mean, shrunk to the model's own, and its degrees of freedom."""
    population = sum(s["population"] for s in strata)
    scales = [
        (s["population"] / population) ** 2 * (1 / len(y) - 1 / s["population"]) for s, y in zip(strata, values)
    ]

    def sample_variance(x):
        return float(np.var(x, ddof=1)) if len(x) > 1 else 0.0

    residuals = [sample_variance(np.subtract(y, lam * np.asarray(f))) for y, f in zip(values, predictions)]
    plain = [sample_variance(np.asarray(y)) for y in values]
    denominator = float(np.dot(scales, plain))
    explained = float(np.dot(scales, residuals)) / denominator if denominator > 0 else 1.0
    parts = []
    for scale, residual, y, mean in zip(scales, residuals, values, means):
        share = min(1 - LEAST_SHARE, max(LEAST_SHARE, mean))
        prior = share * (1 - share) * explained
        count = len(y) - 1 + PRIOR_UNITS
        parts.append((scale * ((len(y) - 1) * residual + PRIOR_UNITS * prior) / count, max(1, len(y) - 1) + PRIOR_UNITS))
    return parts


def slope(strata, values, predictions):
    """Weighted least squares of y on f within strata, each weighted by what it adds to the variance of the mean."""
    ys, fs, weights = [], [], []
    population = sum(s["population"] for s in strata)
    for stratum, y, f in zip(strata, values, predictions):
        if len(y) < 2:
            continue
        scale = (stratum["population"] / population) ** 2 * (1 / len(y) - 1 / stratum["population"]) / (len(y) - 1)
        ys.extend(np.subtract(y, np.mean(y)))
        fs.extend(np.subtract(f, np.mean(f)))
        weights.extend([scale] * len(y))
    root = np.sqrt(weights)
    design = (root * np.asarray(fs))[:, None]
    if not np.any(design):
        return 0.0
    solution, *_ = np.linalg.lstsq(design, root * np.asarray(ys), rcond=None)
    return float(min(1.0, max(0.0, solution[0])))


def effective_interval(value, parts, units):
    """Both ends of {p: |p - value| <= z sqrt(p (1 - p) / n)} by root search."""
    variance = sum(v for v, _ in parts)
    degrees = variance**2 / sum(v**2 / d for v, d in parts)
    near = (value * units + 0.5) / (units + 1)
    effective = near * (1 - near) / variance
    z = student.ppf(0.975, degrees)

    def distance(p):
        return (value - p) ** 2 - z * z * p * (1 - p) / effective

    low = 0.0 if value <= 0 else brentq(distance, 0, min(value, 1 - 1e-12), xtol=1e-15)
    high = 1.0 if value >= 1 else brentq(distance, max(value, 1e-12), 1, xtol=1e-15)
    return low, high


def estimate(strata, values, predictions, means, lam):
    population = sum(s["population"] for s in strata)
    value = horvitz_thompson(strata, values)
    # What the sample's predictions miss of the population's is added.
    value += lam * (
        sum(s["population"] * m for s, m in zip(strata, means)) / population - horvitz_thompson(strata, predictions)
    )
    value = min(1.0, max(0.0, value))
    parts = residual_variances(strata, values, predictions, means, lam)
    low, high = effective_interval(value, parts, sum(len(y) for y in values))
    flat = [y for ys in values for y in ys]
    if all(y == 0 for y in flat):
        low = 0.0
    if all(y == 1 for y in flat):
        high = 1.0
    return {"value": value, "low": low, "high": high, "lambda": lam}


def powered(strata, values, predictions, means):
    alone = estimate(strata, values, predictions, means, 0.0)
    lam = slope(strata, values, predictions)
    tuned = estimate(strata, values, predictions, means, lam)
    return tuned if tuned["high"] - tuned["low"] < alone["high"] - alone["low"] else alone


def alpha(units):
    """1 - observed / expected disagreement over all pairs of labels, each unit's pairs by 1 / (labels - 1)."""
    kept = [[label for label in unit if label is not None] for unit in units]
    kept = [unit for unit in kept if len(unit) > 1]
    everything = [label for unit in kept for label in unit]
    count = len(everything)
    observed = sum(
        sum(a != b for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in kept
    ) / count
    expected = sum(a != b for a, b in itertools.permutations(everything, 2)) / (count * (count - 1))
    return 1 - observed / expected


def kappa(units):
    pairs = np.array([unit for unit in units if None not in unit])
    table = np.zeros((7, 7))
    for a, b in pairs:
        table[a, b] += 1
    table /= table.sum()
    chance = float(table.sum(1) @ table.sum(0))
    return (float(np.trace(table)) - chance) / (1 - chance)


def temperature(probabilities, truth, weights):
    logits = np.log(np.maximum(5e-7, np.asarray(probabilities)))

    def loss(log_t):
        scaled = logits / np.exp(log_t)
        top = scaled.max(1)
        return float(np.dot(weights, np.log(np.exp(scaled - top[:, None]).sum(1)) + top - scaled[np.arange(len(truth)), truth]))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded", options={"xatol": 1e-10}).x))


def describe(case):
    strata = case["strata"]
    faces = [[face for face in case["faces"] if face["stratum"] == h] for h in range(len(strata))]
    labels = []
    for label in range(7):
        values = [[1.0 if f["truth"] == label else 0.0 for f in group] for group in faces]
        predictions = [[f["probabilities"][label] for f in group] for group in faces]
        means = [s["probabilities"][label] / s["population"] for s in strata]
        labels.append(
            {
                "review": estimate(strata, values, predictions, means, 0.0),
                "powered": powered(strata, values, predictions, means),
            }
        )
    values = [[1.0 if f["truth"] == s["label"] else 0.0 for f in group] for s, group in zip(strata, faces)]
    predictions = [[f["probabilities"][s["label"]] for f in group] for s, group in zip(strata, faces)]
    means = [s["probabilities"][s["label"]] / s["population"] for s in strata]
    flat = [(f, strata[h]["population"] / len(group)) for h, group in enumerate(faces) for f in group]
    return {
        "labels": labels,
        "accuracy": powered(strata, values, predictions, means),
        "temperature": temperature([f["probabilities"] for f, _ in flat], [f["truth"] for f, _ in flat], [w for _, w in flat]),
        "alpha": alpha(case["readers"]),
        "kappa": kappa([unit[:2] for unit in case["readers"]]),
    }


def make_case(seed, faces, size):
    """A population of its own making: another generator, other strata than the TypeScript's tests have."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(7, faces, p=rng.dirichlet(np.array([1.2, 0.2, 1.2, 4, 1.8, 1.2, 2.4])))
    logits = rng.normal(0, 1.3, (faces, 7)) + rng.normal(0, 0.6, 7)
    logits[np.arange(faces), truth] += rng.uniform(1.5, 4)
    logits /= rng.uniform(0.6, 1.6)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = np.round(probabilities / probabilities.sum(1, keepdims=True), 6)
    called = probabilities.argmax(1)
    ordered = np.sort(probabilities, 1)
    sure = (ordered[:, -1] - ordered[:, -2] > 0.4).astype(int)
    strata, sample = [], []
    for label in range(7):
        for band in range(2):
            members = np.flatnonzero((called == label) & (sure == band))
            if len(members) == 0:
                continue
            share = max(min(len(members), 4), round(size * len(members) / faces))
            drawn = rng.choice(members, min(len(members), share), replace=False)
            for face in drawn:
                sample.append(
                    {"stratum": len(strata), "truth": int(truth[face]), "probabilities": probabilities[face].tolist()}
                )
            strata.append(
                {
                    "label": label,
                    "band": band,
                    "population": len(members),
                    "probabilities": [round(float(x), 6) for x in probabilities[members].sum(0)],
                }
            )
    readers = []
    for face in sample:
        unit = [face["truth"] if rng.random() < 0.8 else int(rng.integers(7)) for _ in range(3)]
        readers.append([None if reader > 1 and rng.random() < 0.3 else label for reader, label in enumerate(unit)])
    return {"strata": strata, "faces": sample, "readers": readers}


def main():
    cases = [make_case(seed, faces, size) for seed, faces, size in [(11, 900, 70), (12, 2500, 120), (13, 400, 60)]]
    (HERE / "review-cases.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    (HERE / "review-figures.json").write_text(json.dumps([describe(case) for case in cases], indent=1) + "\n")


if __name__ == "__main__":
    main()
