"""FER2013 faces, labels and soft targets, from lossless sheets or from fer2013.csv."""
from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np
from PIL import Image

# FER+ order: neutral, happiness, surprise, sadness, anger, disgust, fear; our order of labels
FERPLUS_TO_LABEL = [6, 3, 5, 4, 0, 1, 2]


@dataclass
class Faces:
    """images [N,48,48] uint8, labels [N] 0..6, votes [N,10] FER+ counts or None."""

    images: np.ndarray
    labels: np.ndarray
    votes: Optional[np.ndarray]

    def take(self, index: np.ndarray) -> "Faces":
        return Faces(self.images[index], self.labels[index], None if self.votes is None else self.votes[index])

    def __len__(self) -> int:
        return len(self.labels)


def _sheets(folder: Path):
    labels = np.fromfile(folder / "labels.u8", np.uint8)
    usage = np.fromfile(folder / "usage.u8", np.uint8)
    images = []
    for sheet in sorted(folder.glob("sheet-*.png")):
        grid = np.asarray(Image.open(sheet)).reshape(30, 48, 30, 48)
        images.append(grid.transpose(0, 2, 1, 3).reshape(900, 48, 48))
    votes = folder / "ferplus.u8"
    return np.concatenate(images)[: len(labels)], labels, usage, (
        np.fromfile(votes, np.uint8).reshape(-1, 10) if votes.exists() else None)


def _csv(path: Path):
    kinds = {"Training": 0, "PublicTest": 1, "PrivateTest": 2}
    images, labels, usage = [], [], []
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            images.append(np.array(row["pixels"].split(), np.uint8).reshape(48, 48))
            labels.append(int(row["emotion"]))
            usage.append(kinds[row["Usage"]])
    votes = path.with_name("fer2013new.csv")
    table = None
    if votes.exists():
        with open(votes, newline="") as f:
            rows = list(csv.reader(f))[1:]
        table = np.array([[int(v) for v in r[2:12]] for r in rows], np.uint8)
    return np.stack(images), np.array(labels, np.uint8), np.array(usage, np.uint8), table


def load(path: Optional[str] = None, clean: bool = False):
    """(training, validation) faces.

    Training rows that are identical to a PublicTest image are always left out, so that validation
    stays honest. `clean` also drops constant images, identical images with conflicting labels and
    faces that most FER+ voters called unknown or not a face.
    """
    path = path or os.environ.get("COUNTENANCE_DATA")
    if not path:
        raise SystemExit("no data: give --data or set COUNTENANCE_DATA to a sheet folder or a fer2013.csv")
    where = Path(path)
    images, labels, usage, votes = _sheets(where) if where.is_dir() else _csv(where)
    every = Faces(images, labels, votes)
    keys = np.array([hash(i.tobytes()) for i in images])
    train, valid = np.flatnonzero(usage == 0), np.flatnonzero(usage == 1)
    train = train[~np.isin(keys[train], keys[valid])]
    if clean:
        flat = images[train].reshape(len(train), -1)
        keep = flat.min(1) != flat.max(1)
        groups = {}
        for i in train:
            groups.setdefault(keys[i], set()).add(labels[i])
        keep &= np.array([len(groups[keys[i]]) == 1 for i in train])
        if votes is not None:
            v = votes[train].astype(int)
            keep &= ~(v[:, 8:].sum(1) * 2 > v.sum(1))
        train = train[keep]
    return every.take(train), every.take(valid)


def ferplus(faces: Faces, floor: int = 3):
    """FER+ votes as distributions over the seven labels: ([N,7] float32, [N] bool where enough votes)."""
    seven = np.zeros((len(faces), 7), np.float32)
    for column, label in enumerate(FERPLUS_TO_LABEL):
        seven[:, label] = faces.votes[:, column]
    total = seven.sum(1)
    return seven / np.maximum(total, 1)[:, None], total >= floor


def calibrated_votes(faces: Faces, folds: int = 5) -> np.ndarray:
    """P(FER2013 label | FER+ votes) for each face, [N,7], from faces in the other folds.

    Voters and the original labels disagree in a regular way (voters hardly ever say fear), so the raw
    votes would teach a network to avoid whole classes; this keeps what the votes know and undoes that.
    """
    from sklearn.linear_model import LogisticRegression

    votes = faces.votes.astype(np.float64)
    share = votes / np.maximum(votes.sum(1, keepdims=True), 1)
    x = np.concatenate([share, np.sqrt(share), share == share.max(1, keepdims=True)], 1)
    fold = np.random.default_rng(0).integers(0, folds, len(faces))
    out = np.zeros((len(faces), 7))
    for k in range(folds):
        model = LogisticRegression(max_iter=300).fit(x[fold != k], faces.labels[fold != k])
        out[fold == k] = model.predict_proba(x[fold == k])
    return out


def targets(faces: Faces, spec: dict) -> np.ndarray:
    """Soft targets [N,7] without a teacher, rows sum to 1.

    spec: votes (share of the raw FER+ distribution), calibrated (share of calibrated_votes), smoothing.
    """
    one = np.eye(7, dtype=np.float32)[faces.labels]
    out = one.copy()
    share = spec.get("votes", 0.0)
    if share and faces.votes is not None:
        votes, enough = ferplus(faces)
        out[enough] = (1 - share) * one[enough] + share * votes[enough]
    share = spec.get("calibrated", 0.0)
    if share and faces.votes is not None:
        out = (1 - share) * out + share * calibrated_votes(faces).astype(np.float32)
    smoothing = spec.get("smoothing", 0.0)
    out = (1 - smoothing) * out + smoothing / 7
    return out.astype(np.float32)


def blend(targets_of: np.ndarray, taught: np.ndarray, spec: dict) -> np.ndarray:
    """targets() mixed with a teacher's probabilities [N,7]; spec: teacher_share, teacher_power (< 1 softens)."""
    assert len(taught) == len(targets_of), "teacher was written for other rows"
    taught = taught.astype(np.float64) ** spec.get("teacher_power", 1.0)
    taught /= taught.sum(1, keepdims=True)
    share = spec.get("teacher_share", 0.5)
    return ((1 - share) * targets_of + share * taught).astype(np.float32)


def view_set(config: dict, index: int, n: int) -> np.ndarray:
    """Views [n,12] of set `index` of a pool that is drawn once: 2i and 2i + 1 are each other's mirror image, and the set after the
    last pair is the plain faces, half of them mirrored. A teacher can look at exactly what the student will see."""
    if index == 2 * config["pool"]:
        return augmentation(np.random.default_rng([config["pool_seed"], index]), n, {})
    view = augmentation(np.random.default_rng([config["pool_seed"], index // 2]), n, config["augment"])
    if index % 2:
        view[:, 0] *= -1
        view[:, 3] *= -1
        view[:, 9] = 47 - view[:, 9]
    return view


def shaken(rng: np.random.Generator, view: np.ndarray, spec: dict) -> np.ndarray:
    """Views [n,12] with a small second view (`spec` as in augmentation, never mirrored) before each of them, and its erased box: what a
    teacher said of the view still holds, and no picture comes twice."""
    small = augmentation(rng, len(view), {**spec, "mirror": False})
    out = view.copy()
    for row in (0, 3):
        a, b, t = view[:, row], view[:, row + 1], view[:, row + 2]
        out[:, row] = a * small[:, 0] + b * small[:, 3]
        out[:, row + 1] = a * small[:, 1] + b * small[:, 4]
        out[:, row + 2] = a * small[:, 2] + b * small[:, 5] + t
    out[:, 6] *= small[:, 6]
    out[:, 7] += small[:, 7]
    out[:, 8:] = small[:, 8:]
    return out


def augmentation(rng: np.random.Generator, n: int, spec: dict) -> np.ndarray:
    """Random views, [n,12] float32: 2x3 map from output to source pixel in -1..1 units
    (align_corners false), contrast, brightness, erased box cy, cx, half height, half width in pixels.

    spec: rotate (degrees), scale, shift (shares), contrast, brightness, mirror, erase (chance), erase_size.
    """
    u = lambda limit: rng.uniform(-limit, limit, n)
    angle, grow = np.deg2rad(u(spec.get("rotate", 0.0))), 1 + u(spec.get("scale", 0.0))
    aspect = 1 + u(spec.get("aspect", 0.0))
    tx, ty = u(2 * spec.get("shift", 0.0)), u(2 * spec.get("shift", 0.0))
    flip = np.where(rng.random(n) < 0.5, -1.0, 1.0) if spec.get("mirror", True) else np.ones(n)
    cos, sin = np.cos(angle), np.sin(angle)
    view = np.zeros((n, 12))
    view[:, 0], view[:, 1], view[:, 2] = grow * aspect * cos * flip, -grow * sin, tx
    view[:, 3], view[:, 4], view[:, 5] = grow * sin * flip, grow / aspect * cos, ty
    view[:, 6], view[:, 7] = 1 + u(spec.get("contrast", 0.0)), u(spec.get("brightness", 0.0))
    size = spec.get("erase_size", 8.0)
    erased = rng.random(n) < spec.get("erase", 0.0)
    view[:, 8], view[:, 9] = rng.uniform(0, 48, n), rng.uniform(0, 48, n)
    view[:, 10] = np.where(erased, rng.uniform(size / 2, size, n), -1.0)
    view[:, 11] = np.where(erased, rng.uniform(size / 2, size, n), -1.0)
    return view.astype(np.float32)
