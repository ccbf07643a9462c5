"""How well a network finds and names objects: average precision, errors of matching, calibration.

A photo may be labelled in part: detections of classes of which not every object is labelled there, and those inside of
regions in which nothing is known, count neither for nor against the model.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import box_iou

from objectcut.request.options import DetectOptions
from training.partial import covered
from training.scenes import Box, Scene

_SAME = 0.5  # IoU of the boxes from which a detection shows an object
SERVED = DetectOptions().min_score
"""The score from which a request that names none gets what was found."""
_BINS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)  # scores
SIZES = ("all", "small", "medium", "large")
"""COCO's: areas up to 32², to 96², and above, px of the photos as they are evaluated."""
NOTHING = "nothing"
"""In place of a class: of an object that was not found, or of a detection where nothing is."""


@dataclass(frozen=True, eq=False)
class Found:
    """One detection.

    Attributes:
        name: of its class.
        score: 0 to 1.
        box: x0, y0, x1, y1, px of the photo.
        coded: COCO's run lengths of its mask.
    """

    name: str
    score: float
    box: Box
    coded: Any


@dataclass(frozen=True, eq=False)
class Looked:
    """A photo and what a network found in it, best score first."""

    scene: Scene
    size: tuple[int, int]  # height, width
    found: Sequence[Found]


@dataclass(frozen=True, eq=False)
class Matched:
    """A detection and what it shows.

    Attributes:
        truth: name of the labelled object; `NOTHING` without one.
    """

    found: Found
    truth: str

    @property
    def right(self) -> bool:
        """Return whether it has the object's name."""
        return self.found.name == self.truth


def average_precision(looked: Sequence[Looked], classes: Sequence[str], kind: str) -> dict[str, dict[str, float]]:
    """Return COCO's AP and AP50 by class, and AP by size, by pycocotools.

    Args:
        looked: photos; what was found in them down to a low score.
        classes: names, the background first.
        kind: `bbox` or `segm`; objects whose mask is unknown are ignored for the latter.

    Returns:
        Class, or "all", to `AP`, `AP50`, and `AP small` ... ; classes without an object are left out.
    """
    images = [{"id": i, "height": each.size[0], "width": each.size[1]} for i, each in enumerate(looked)]
    truths: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for number, each in enumerate(looked):
        height, width = each.size
        for thing in each.scene.things:
            x0, y0, x1, y1 = thing.box
            mask = thing.mask(height, width)
            coded = rle.encode(np.asfortranarray(mask)) if mask is not None else _filled(thing.box, each.size)
            truths.append(
                {
                    "id": len(truths) + 1,
                    "image_id": number,
                    "category_id": thing.label,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": float(rle.area(coded)),
                    "segmentation": coded,
                    "iscrowd": int(kind == "segm" and mask is None),  # ignored, with all that is found in it
                }
            )
        for one in judged(each, classes):
            x0, y0, x1, y1 = one.box
            found.append(
                {
                    "image_id": number,
                    "category_id": classes.index(one.name),
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "segmentation": one.coded,
                    "score": one.score,
                }
            )
    categories = [{"id": label, "name": name} for label, name in enumerate(classes) if label]
    if not truths or not found:
        return {}
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = COCO()
        dataset.dataset = {"images": images, "annotations": truths, "categories": categories}
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"]  # thresholds, recalls, classes, sizes, limits of detections
    table = {}
    for label, name in enumerate(classes):
        part = precision[..., -1] if label == 0 else precision[:, :, label - 1 : label, :, -1]
        figures = {"AP": _known_mean(part[..., 0]), "AP50": _known_mean(part[:1, ..., 0])}
        figures |= {f"AP {size}": _known_mean(part[..., place]) for place, size in enumerate(SIZES) if place}
        if not np.isnan(figures["AP"]):
            table["all" if label == 0 else name] = figures
    return table


def matches(looked: Looked, classes: Sequence[str], least: float) -> tuple[list[Matched], list[str]]:
    """Return each detection with what it shows, and the names of the objects that none shows.

    The best detection of the right class is taken for an object, then that of any other.

    Args:
        looked: the photo.
        classes: names, the background first.
        least: score from which a detection counts.
    """
    found = [one for one in judged(looked, classes) if one.score >= least]
    things = looked.scene.things
    overlaps = _overlaps([one.box for one in found], [thing.box for thing in things])
    names = [classes[thing.label] for thing in things]
    shown: dict[int, int] = {}
    for same_name in (True, False):
        for row, one in enumerate(found):
            if row in shown:
                continue
            open_ = [
                column
                for column, name in enumerate(names)
                if column not in shown.values() and (name == one.name or not same_name)
            ]
            best = max(open_, key=lambda column: overlaps[row, column], default=None)
            if best is not None and overlaps[row, best] >= _SAME:
                shown[row] = best
    told = [Matched(one, names[shown[row]] if row in shown else NOTHING) for row, one in enumerate(found)]
    return told, [name for column, name in enumerate(names) if column not in shown.values()]


def confusion(looked: Sequence[Looked], classes: Sequence[str], least: float) -> Counter[tuple[str, str]]:
    """Return how often an object of a class (first) was found as another (second), `NOTHING` included."""
    counts: Counter[tuple[str, str]] = Counter()
    for each in looked:
        told, missed = matches(each, classes, least)
        counts.update((one.truth, one.found.name) for one in told)
        counts.update((name, NOTHING) for name in missed)
    return counts


def precision_recall(counts: Counter[tuple[str, str]], name: str) -> tuple[float, float]:
    """Return precision and recall of a class, NaN where there is nothing to tell."""
    right = counts[name, name]
    found = sum(count for (_, as_), count in counts.items() if as_ == name)
    there = sum(count for (truth, _), count in counts.items() if truth == name)
    return right / found if found else float("nan"), right / there if there else float("nan")


def calibration(looked: Sequence[Looked], classes: Sequence[str]) -> list[tuple[float, float, int, float, float]]:
    """Return for each range of scores its ends, how many detections it holds, their mean score, and the share right."""
    told = [one for each in looked for one in matches(each, classes, _BINS[0])[0]]
    rows = []
    for low, high in itertools.pairwise(_BINS):
        own = [one for one in told if low <= one.found.score < high or one.found.score == high == 1.0]
        if own:
            score = float(np.mean([one.found.score for one in own]))
            rows.append((low, high, len(own), score, float(np.mean([one.right for one in own]))))
    return rows


def judged(looked: Looked, classes: Sequence[str]) -> list[Found]:
    """Return the detections that can be told right or wrong."""
    scene = looked.scene
    known = [one for one in looked.found if one.name in classes]
    if not known:
        return []
    overlaps = _overlaps([one.box for one in known], [thing.box for thing in scene.things])
    best = overlaps.max(1) if overlaps.shape[1] else np.zeros(len(known))
    unclear = covered(_tensor([one.box for one in known]), _tensor(scene.ignored)).numpy()
    return [
        one
        for one, overlap, inside in zip(known, best, unclear, strict=True)
        if overlap >= _SAME or (scene.complete[classes.index(one.name)] and not inside)
    ]


def _overlaps(ours: Sequence[Box], theirs: Sequence[Box]) -> NDArray[np.float32]:
    return np.asarray(box_iou(_tensor(ours), _tensor(theirs)).numpy(), np.float32)


def _tensor(boxes: Sequence[Box]) -> torch.Tensor:
    return torch.tensor(boxes, dtype=torch.float32).view(-1, 4)


def _filled(box: Box, size: tuple[int, int]) -> Any:
    mask = np.zeros(size, np.uint8, order="F")
    x0, y0, x1, y1 = map(round, box)
    mask[max(y0, 0) : y1, max(x0, 0) : x1] = 1
    return rle.encode(mask)


def _known_mean(values: NDArray[np.float64]) -> float:
    """Return the mean of what pycocotools knows; it writes -1 where there is no object."""
    known = values[values > -1]
    return float(known.mean()) if known.size else float("nan")
