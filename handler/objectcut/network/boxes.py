"""From the network's raw outputs to boxes: anchors, proposals and the final boxes of each class.

The same steps, thresholds and order as torchvision's `RegionProposalNetwork.filter_proposals` and
`RoIHeads.postprocess_detections`, but only the boxes that can still win are ever computed: torchvision decodes every
anchor of the photo (some 200,000) and every class of every proposal (91,000).

Method: Ren et al., Faster R-CNN, 2015 (arXiv:1506.01497).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import batched_nms, clip_boxes_to_image

_SMALLEST = 1e-2  # px, of a final box's side; torchvision's
_SHAPES = 64  # input shapes whose anchors are kept, at most 4 MB each


class Coder(Protocol):
    """What is read of torchvision's box coder."""

    weights: tuple[float, float, float, float]
    bbox_xform_clip: float


@dataclass(frozen=True, eq=False)
class Proposals:
    """Where objects may be in one photo, best first.

    Attributes:
        boxes: (N, 4) float32, x0, y0, x1, y1 in px of the network's input.
        counting: (N,) bool, False for a box of no area. Those stay in, as taking them out would make a GPU wait.
    """

    boxes: Tensor
    counting: Tensor


class BoxSelector:
    """Chooses the boxes that go on, with a torchvision model's own anchors and limits.

    Args:
        model: whose limits are read.
        device: where the anchors shall lie.
    """

    def __init__(self, model: MaskRCNN, device: torch.device) -> None:
        self._rpn, self._heads = model.rpn, model.roi_heads
        self._anchors = lru_cache(_SHAPES)(partial(_anchors, model.rpn.anchor_generator, device))

    def propose(
        self,
        objectness: Sequence[Tensor],
        deltas: Sequence[Tensor],
        shape: tuple[int, int],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Proposals]:
        """Return the best boxes of each photo.

        Args:
            objectness: (B, h, w, A) float32, logits of each level.
            deltas: (B, h, w, A * 4) float32, of each level.
            shape: height and width of the padded input, px.
            sizes: height and width of each photo in it, px.
        """
        rpn = self._rpn
        anchors = self._anchors(shape, tuple((int(level.shape[1]), int(level.shape[2])) for level in objectness))
        scores, boxes, levels = [], [], []
        for number, (logits, delta, anchor) in enumerate(zip(objectness, deltas, anchors, strict=True)):
            flat = logits.reshape(len(sizes), -1)
            best, index = flat.topk(min(rpn.pre_nms_top_n(), flat.shape[1]), dim=1)
            chosen = delta.reshape(len(sizes), -1, 4).gather(1, index[..., None].expand(-1, -1, 4))
            scores.append(best)
            boxes.append(decode(chosen, anchor[index], rpn.box_coder))
            levels.append(torch.full_like(index[0], number))
        score, box, level = torch.cat(scores, 1).sigmoid(), torch.cat(boxes, 1), torch.cat(levels)
        proposals = []
        for photo, size in enumerate(sizes):
            clipped = clip_boxes_to_image(box[photo], size)
            counting = (_shorter_side(clipped) >= rpn.min_size) & (score[photo] >= rpn.score_thresh)
            ranking = torch.where(counting, score[photo], -1.0)
            keep = batched_nms(clipped, ranking, level, rpn.nms_thresh)[: rpn.post_nms_top_n()]
            proposals.append(Proposals(clipped[keep], counting[keep]))
        return proposals

    def classify(
        self, logits: Tensor, deltas: Tensor, proposals: Proposals, size: tuple[int, int], min_score: float
    ) -> Tensor:
        """Return the final boxes of one photo, best score first, without those that a better one of their class covers.

        Args:
            logits: (N, C) float32, background first.
            deltas: (N, C * 4) float32.
            proposals: what they are about.
            size: height and width of the photo in the network's input, px.
            min_score: what scores must exceed, 0 to 1.

        Returns:
            (M, 6) float32: x0, y0, x1, y1 in px of the network's input, score, label. The score of a box of no area is
            -1; those come last.
        """
        heads = self._heads
        probability = logits.softmax(-1)
        row, column = torch.where((probability[:, 1:] > min_score) & proposals.counting[:, None])
        label = column + 1
        score = probability[row, label]
        delta = deltas.view(len(deltas), -1, 4)[row, label]
        box = clip_boxes_to_image(decode(delta, proposals.boxes[row], heads.box_coder), size)
        ranking = torch.where(_shorter_side(box) >= _SMALLEST, score, -1.0)
        keep = batched_nms(box, ranking, label, heads.nms_thresh)[: heads.detections_per_img]
        return torch.cat((box, ranking[:, None], label[:, None]), 1)[keep]


def decode(deltas: Tensor, boxes: Tensor, coder: Coder) -> Tensor:
    """Boxes moved and scaled by what the network says, (..., 4) float32 each.

    Args:
        deltas: (..., 4): dx, dy in sides of the box, dw, dh logarithmic; each times the coder's weight.
        boxes: (..., 4): x0, y0, x1, y1.
        coder: torchvision's, for its weights and the limit of dw and dh.
    """
    delta = deltas / deltas.new_tensor(coder.weights)
    side = boxes[..., 2:] - boxes[..., :2]
    centre = boxes[..., :2] + 0.5 * side + delta[..., :2] * side
    half = 0.5 * delta[..., 2:].clamp(max=coder.bbox_xform_clip).exp() * side
    return torch.cat((centre - half, centre + half), -1)


def _shorter_side(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).amin(1)


def _anchors(
    generator: AnchorGenerator, device: torch.device, shape: tuple[int, int], maps: Sequence[tuple[int, int]]
) -> list[Tensor]:
    """Return the anchors of each level, (h * w * A, 4) float32, px of the network's input."""
    generator.set_cell_anchors(torch.float32, device)
    strides = [[torch.tensor(side // cells) for side, cells in zip(shape, size, strict=True)] for size in maps]
    return list(generator.grid_anchors([list(size) for size in maps], strides))
