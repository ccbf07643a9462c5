"""Everything of one name cut out of a photo, as a request does it, beside all that is labelled with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectcut.edges import matte
from objectcut.instance import Instance
from objectcut.pipeline import Pipeline
from training.detections import SERVED
from training.measures import MaskScore, mask_score
from training.scenes import Scene

_LARGE = 0.05  # share of the photo from which a class is shown large
FOUND = 0.1
"""IoU below which a cut-out is of something else."""
_EARNED_IOU, _EARNED_SHARE = 0.5, 0.5


@dataclass(frozen=True, eq=False)
class CutOut:
    """All objects of one name in a photo, cut out.

    Attributes:
        folder: where the photo is from.
        name: of the objects.
        share: of the photo that they cover.
        scores: of the `raw` mask and the `smooth` one beside the true one.
        box: around the objects.
        alphas: (H, W) uint8, likewise.
    """

    folder: str
    name: str
    share: float
    scores: dict[str, MaskScore]
    photo: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    alphas: dict[str, NDArray[np.uint8]]

    @property
    def score(self) -> MaskScore:
        """Of what a request gives that names no edges."""
        return self.scores["smooth"]


def class_figures(made: Sequence[CutOut]) -> dict[str, dict[str, Any]]:
    """Return for each class, on photos that show it large: `photos`, share `found`, mean `iou` and `f2`, `earned`."""
    by_class = defaultdict(list)
    for each in made:
        if each.share >= _LARGE:
            by_class[each.name].append(each.score)
    figures = {}
    for name, scores in by_class.items():
        iou, found = mean(score.iou for score in scores), mean(score.iou >= FOUND for score in scores)
        figures[name] = {
            "photos": len(scores),
            "found": round(found, 3),
            "iou": round(iou, 3),
            "f2": round(mean(score.f2 for score in scores), 3),
            "earned": iou >= _EARNED_IOU and found > _EARNED_SHARE,
        }
    return figures


def cut_outs(
    folder: str,
    scene: Scene,
    pixels: NDArray[np.uint8],
    found: Sequence[Instance],
    pipeline: Pipeline,
    classes: Sequence[str],
) -> list[CutOut]:
    """Cut out all objects of each name that is labelled in a photo.

    Args:
        folder: where the photo is from.
        scene: the photo's labels.
        pixels: (H, W, 3) uint8, sRGB.
        found: what the network finds in it, with masks.
        pipeline: draws the edges.
        classes: names in the order of the scene's labels, the background first.

    Returns:
        One for each name, but where a mask is unknown or a crowd touches an object of the name.
    """
    height, width = pixels.shape[:2]
    by_label = defaultdict(list)
    for thing in scene.things:
        by_label[thing.label].append(thing)
    made = []
    for label, things in by_label.items():
        masks = [thing.mask(height, width) for thing in things]
        known = [mask for mask in masks if mask is not None]
        crowded = any(_touches(box, thing.box) for box in scene.ignored for thing in things)
        if len(known) < len(masks) or crowded or not known:
            continue
        name, truth = classes[label], np.logical_or.reduce(known)
        wanted = [
            each
            for each in found
            if each.score >= SERVED
            and pipeline.card.classes[each.label] == name
            and matte.paste(each, width, height).area
        ]
        alphas = {way: pipeline.refine(pixels, wanted, raw=way == "raw")[0] for way in ("raw", "smooth")}
        box = matte.bounding_box(truth)
        if box is not None:
            scores = {way: mask_score(alpha > 127, truth) for way, alpha in alphas.items()}
            made.append(CutOut(folder, name, float(truth.mean()), scores, pixels, box, alphas))
    return made


def _touches(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
