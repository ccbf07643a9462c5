"""Whether our detector finds in a photo what torchvision's own Mask R-CNN finds with the same weights.

A detection counts from a score of 0.5. Two detections are counterparts when they have the same class and their boxes
overlap by an IoU of at least 0.5; of several, the nearest go together first. A detection of torchvision's without a
counterpart among all of ours is missing, one of ours without one among all of torchvision's is invented. The
counterpart may have any score: one of 0.49 beside 0.51 is no other object. Both agree on a photo when nothing is
missing or invented, every box has an IoU of at least 0.95 and every mask, at the photo's size, of at least 0.97.

Photos more than twice as large as the network's input are averaged before they are resized, which torchvision does not
do: give both smaller ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.ops import box_iou
from torchvision.transforms.functional import to_tensor

from objectcut.edges import matte
from objectcut.instance import Instance, Query
from objectcut.network.detector import LOWEST_SCORE, Detector

SCORE = 0.5
"""Lowest score of a detection that counts."""
BOX_IOU, MASK_IOU = 0.95, 0.97
"""Lowest overlap of boxes and masks that pass for the same."""
_COUNTERPART = 0.5  # box IoU below which two detections are of different objects
_INSIDE = 0.5  # mask probability


@dataclass(frozen=True)
class Pair:
    """A detection of torchvision's and ours of the same object.

    Attributes:
        label: index into the model's classes.
        box_iou, mask_iou: 0 to 1; the masks at the photo's size.
        score_gap: absolute difference of the scores.
        box_shift: the largest distance between their sides, in lengths of the photo's longer side.
    """

    label: int
    box_iou: float
    mask_iou: float
    score_gap: float
    box_shift: float


@dataclass(frozen=True)
class Comparison:
    """What both found in one photo.

    Attributes:
        pairs: the detections of torchvision's that have a counterpart.
        missing: labels of torchvision's detections that we lack.
        invented: labels of our detections that torchvision lacks.
    """

    pairs: tuple[Pair, ...]
    missing: tuple[int, ...]
    invented: tuple[int, ...]

    @property
    def agrees(self) -> bool:
        """Whether a user of one would notice no difference to the other."""
        near = all(pair.box_iou >= BOX_IOU and pair.mask_iou >= MASK_IOU for pair in self.pairs)
        return near and not self.missing and not self.invented


@dataclass(frozen=True)
class Summary:
    """What both found in many photos, as numbers of detections.

    Attributes:
        photos: how many.
        compared: detections of torchvision's.
        missing, invented: those without a counterpart.
        boxes_apart, masks_apart: pairs that overlap less than they should.
        worst_box_iou, median_box_iou, worst_mask_iou, median_mask_iou: of all pairs; 1 when there are none.
    """

    photos: int
    compared: int
    missing: int
    invented: int
    boxes_apart: int
    masks_apart: int
    worst_box_iou: float
    median_box_iou: float
    worst_mask_iou: float
    median_mask_iou: float

    @classmethod
    def of(cls, comparisons: Sequence[Comparison]) -> Summary:
        pairs = [pair for comparison in comparisons for pair in comparison.pairs]
        missing = sum(len(comparison.missing) for comparison in comparisons)
        boxes, masks = [pair.box_iou for pair in pairs] or [1.0], [pair.mask_iou for pair in pairs] or [1.0]
        return cls(
            photos=len(comparisons),
            compared=len(pairs) + missing,
            missing=missing,
            invented=sum(len(comparison.invented) for comparison in comparisons),
            boxes_apart=sum(iou < BOX_IOU for iou in boxes),
            masks_apart=sum(iou < MASK_IOU for iou in masks),
            worst_box_iou=min(boxes),
            median_box_iou=median(boxes),
            worst_mask_iou=min(masks),
            median_mask_iou=median(masks),
        )


@dataclass(frozen=True, eq=False)
class Reference:
    """What torchvision finds in a photo, best score first.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB.
        boxes: (N, 4) float32, x0, y0, x1, y1 in px of the photo.
        labels, scores: of each of the N.
        masks: (H, W) bool each, of those that count: the first of the N.
    """

    pixels: NDArray[np.uint8]
    boxes: Tensor
    labels: Sequence[int]
    scores: Sequence[float]
    masks: Sequence[NDArray[np.bool_]]

    @classmethod
    def of(cls, model: MaskRCNN, pixels: NDArray[np.uint8]) -> Reference:
        """Run torchvision's own forward.

        Args:
            model: in evaluation mode, fp32.
            pixels: (H, W, 3) uint8, sRGB.
        """
        with torch.inference_mode():
            found = model([to_tensor(pixels)])[0]
        masks = found["masks"][found["scores"] >= SCORE, 0] > _INSIDE
        return cls(pixels, found["boxes"], found["labels"].tolist(), found["scores"].tolist(), list(masks.numpy()))


def compare(reference: Reference, detector: Detector) -> Comparison:
    """What our detector, made of the same weights, finds in the same photo."""
    pixels, boxes, labels, scores = reference.pixels, reference.boxes, reference.labels, reference.scores
    ours = detector.detect([Query(pixels, LOWEST_SCORE, lambda found: found)])[0].kept
    partner = _counterparts(boxes, labels, ours)
    counting = range(len(reference.masks))
    pairs = tuple(
        Pair(
            label=labels[row],
            box_iou=float(box_iou(boxes[row, None], torch.tensor([own.box]))),
            mask_iou=_mask_iou(reference.masks[row], own),
            score_gap=abs(scores[row] - own.score),
            box_shift=float((boxes[row] - torch.tensor(own.box)).abs().max()) / max(pixels.shape),
        )
        for row in counting
        if row in partner and (own := ours[partner[row]])
    )
    missing = tuple(labels[row] for row in counting if row not in partner)
    known = set(partner.values())
    invented = tuple(own.label for place, own in enumerate(ours) if own.score >= SCORE and place not in known)
    return Comparison(pairs, missing, invented)


def _counterparts(boxes: Tensor, labels: Sequence[int], ours: Sequence[Instance]) -> dict[int, int]:
    """The place in `ours` of each of torchvision's detections that has a counterpart there."""
    overlap = box_iou(boxes, torch.tensor([own.box for own in ours]).view(-1, 4))
    overlap *= torch.tensor(labels)[:, None] == torch.tensor([own.label for own in ours])
    rows, columns = torch.where(overlap >= _COUNTERPART)
    nearest = overlap[rows, columns].argsort(descending=True, stable=True)
    partner: dict[int, int] = {}
    for row, column in zip(rows[nearest].tolist(), columns[nearest].tolist(), strict=True):
        if row not in partner and column not in partner.values():
            partner[row] = column
    return partner


def _mask_iou(theirs: NDArray[np.bool_], own: Instance) -> float:
    """Of the masks at the photo's size; 1 when both are empty."""
    height, width = theirs.shape
    ours = matte.union([matte.paste(own, width, height)], width, height) > 0
    either = np.count_nonzero(theirs | ours)
    return float(np.count_nonzero(theirs & ours) / either) if either else 1.0
