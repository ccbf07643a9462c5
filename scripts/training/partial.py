"""Losses of torchvision's Mask R-CNN for photos in which not everything is labelled.

In such a photo only some classes are complete. A box that matches no labelled object may show an object of any other
class, so it is neither background nor a certain class. torchvision's own losses are kept; their inputs are changed:

- RPN: an anchor without an object counts as background only where every class is labelled, or where it touches a
  labelled object without matching it.
- classes: of a box without an object, the probabilities of background and of all classes that are not complete count
  together as background (the marginal loss of Fang and Abdelfattah 2020, section 3.2, arXiv:2007.15861).
- masks: objects whose mask is unknown add no gradient.

A target holds, beside torchvision's `boxes`, `labels` and `masks`:

    complete: (classes,) bool, True where every object of the class is labelled.
    masked: (N,) bool, False where the mask is unknown.
    ignored: (M, 4) float32, boxes of regions such as crowds in which nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.ops import box_iou

Target = dict[str, Tensor]
_TOUCHES = 0.05  # IoU with a labelled object from which an anchor that does not match it is background
_IGNORED = 0.5  # share of a box inside of an ignored region from which nothing is learnt of it


class PartialLabels:
    """Makes a model's training losses respect what is not labelled.

    Args:
        model: it is changed for good, but for its weights and their names.
    """

    def __init__(self, model: MaskRCNN) -> None:
        self._model = model
        self._targets: list[Target] = []
        self._labels: list[Tensor] = []
        self._matches: list[Tensor] = []
        self._rows: list[Tensor] = []
        self._assign: Callable[..., Any] = model.rpn.assign_targets_to_anchors
        self._select: Callable[..., Any] = model.roi_heads.select_training_samples
        model.rpn.assign_targets_to_anchors = self._assign_targets
        model.roi_heads.select_training_samples = self._select_samples
        model.roi_heads.box_predictor.register_forward_hook(self._classes)
        model.roi_heads.mask_predictor.register_forward_hook(self._masks)

    def _assign_targets(self, anchors: list[Tensor], targets: list[Target]) -> tuple[list[Tensor], list[Tensor]]:
        labels, boxes = self._assign(anchors, targets)
        for label, anchor, target in zip(labels, anchors, targets, strict=True):
            background = label == 0
            if not target["complete"].all():
                touched = torch.zeros_like(background)
                if len(target["boxes"]):
                    touched = box_iou(anchor, target["boxes"]).amax(1) >= _TOUCHES
                label[background & ~touched] = -1
            label[background & covered(anchor, target["ignored"])] = -1
        return labels, boxes

    def _select_samples(self, proposals: list[Tensor], targets: list[Target]) -> tuple[Any, ...]:
        selected = self._select(proposals, targets)
        self._targets, self._matches, self._labels = targets, selected[1], selected[2]
        self._rows = [covered(boxes, target["ignored"]) for boxes, target in zip(selected[0], targets, strict=True)]
        return selected  # type: ignore[no-any-return]

    def _classes(self, _: object, __: object, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor] | None:
        if not self._model.training:
            return None
        logits, deltas = output
        unknown = torch.cat(
            [
                ~target["complete"] & (label == 0)[:, None] | ((label == 0) & ignored)[:, None]
                for target, label, ignored in zip(self._targets, self._labels, self._rows, strict=True)
            ]
        )
        unknown[:, 0] = True  # the background itself
        together = logits.float().masked_fill(~unknown, float("-inf")).logsumexp(1, keepdim=True)
        unknown[:, 0] = False
        rest = logits.float().masked_fill(unknown, float("-inf"))[:, 1:]
        return torch.cat((together, rest), 1), deltas

    def _masks(self, _: object, __: object, logits: Tensor) -> Tensor | None:
        if not self._model.training:
            return None
        known = torch.cat(
            [
                target["masked"][match[label > 0]] if len(target["masked"]) else label[:0].bool()
                for target, match, label in zip(self._targets, self._matches, self._labels, strict=True)
            ]
        )
        return torch.where(known[:, None, None, None], logits, torch.zeros_like(logits))


def covered(boxes: Tensor, regions: Tensor) -> Tensor:
    """Return for each of (N, 4) boxes whether most of it lies inside of one of (M, 4) regions."""
    if not len(regions):
        return torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    corner = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    opposite = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    shared = (opposite - corner).clamp(min=0).prod(2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1).clamp(min=1e-6)
    return (shared / area[:, None]).amax(1) >= _IGNORED
