"""From photos to instances: Mask R-CNN as its stages, with the mask head run only for what was asked.

Owns the network's input, the batching of photos and the order of the stages. Which instances deserve a mask is
decided by a function that comes with each photo (`selection.candidates`).

Method: He et al., Mask R-CNN, 2017 (arXiv:1703.06870), in torchvision's implementation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList

from objectcut.card import Card

LOWEST_SCORE = 0.05
"""Detections below this score are never looked at; torchvision's default."""


@dataclass(frozen=True, eq=False)
class Instance:
    """One detected object.

    Attributes:
        id: rank by score among all detections of the photo, 0 the best. The names asked for do not change it.
        label: index into the model's classes.
        score: 0 to 1.
        box: x0, y0, x1, y1 in px of the photo.
        mask: (28, 28) float32, probability that the cell of the box shows the object; None when not computed.
    """

    id: int
    label: int
    score: float
    box: tuple[float, float, float, float]
    mask: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Query:
    """A photo and what is wanted of it.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB.
        min_score: lowest score of interest, 0 to 1.
        keep: picks the instances that shall have a mask out of all found, best score first.
    """

    pixels: NDArray[np.uint8]
    min_score: float
    keep: Callable[[Sequence[Instance]], Sequence[Instance]]


@dataclass(frozen=True, eq=False)
class Detection:
    """What was found in one photo: everything without masks, and the kept instances with theirs."""

    found: tuple[Instance, ...]
    kept: tuple[Instance, ...]


class Detector:
    """A Mask R-CNN on one device.

    Args:
        model: in evaluation mode.
        card: the model's input size, mean and std.
        device: where it runs.
    """

    def __init__(self, model: MaskRCNN, card: Card, device: torch.device) -> None:
        self.card = card
        self.device = device
        self._model = model.to(device)
        self._mean = torch.tensor(card.mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(card.std, device=device).view(3, 1, 1)
        self._warm_up()

    @torch.inference_mode()
    def detect(self, queries: Sequence[Query]) -> list[Detection]:
        """Instances of each photo, in the order of the photos.

        Photos are run together when their network inputs have the same padded shape. Padding a photo to its
        neighbour's shape would change what the network sees at its border: the answer would depend on the company.
        """
        inputs = [self._network_input(query.pixels) for query in queries]
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, tensor in enumerate(inputs):
            groups[_padded(tensor)].append(index)
        detections: dict[int, Detection] = {}
        for shape, members in groups.items():
            found = self._detect_group([inputs[i] for i in members], [queries[i] for i in members], shape)
            detections.update(zip(members, found, strict=True))
        return [detections[index] for index in range(len(queries))]

    def _warm_up(self) -> None:
        """Run every stage once on an ordinary shape.

        The first photo then does not pay for lazy set-up; and torchvision's `MultiScaleRoIAlign` derives the strides of
        its levels from the first input it sees, for ever, which an extreme shape would get wrong.
        """
        side = self.card.min_size
        noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
        # A box is invented where the network sees nothing in the noise, so that the mask head runs too.
        invented = Instance(0, 1, 1.0, (0.0, 0.0, float(side), float(side)))
        self.detect([Query(noise, 0.0, lambda found: found[:1] or [invented])])

    def _network_input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(3, h, w) float32, resized and normalised, not yet padded."""
        height, width = pixels.shape[:2]
        scale = min(self.card.min_size / min(height, width), self.card.max_size / max(height, width))
        size = max(1, int(height * scale)), max(1, int(width * scale))
        resized = torch.from_numpy(_resize(pixels, size)).to(self.device)
        return (resized.permute(2, 0, 1) / 255 - self._mean) / self._std

    def _detect_group(self, inputs: list[Tensor], queries: list[Query], shape: tuple[int, int]) -> list[Detection]:
        batch = torch.zeros((len(inputs), 3, *shape), device=self.device)
        sizes = [(int(tensor.shape[1]), int(tensor.shape[2])) for tensor in inputs]
        for row, tensor, (height, width) in zip(batch, inputs, sizes, strict=True):
            row[:, :height, :width] = tensor
        features = self._model.backbone(batch)
        proposals, _ = self._model.rpn(ImageList(batch, sizes), features)
        heads = self._model.roi_heads
        heads.score_thresh = max(LOWEST_SCORE, min(query.min_score for query in queries))
        pooled = heads.box_roi_pool(features, proposals, sizes)
        logits, regression = heads.box_predictor(heads.box_head(pooled))
        boxes, scores, labels = heads.postprocess_detections(logits, regression, proposals, sizes)

        found: list[list[Instance]] = []
        for photo, query in enumerate(queries):
            scale = _scale(query.pixels, sizes[photo])
            rows = zip(labels[photo].tolist(), scores[photo].tolist(), boxes[photo].tolist(), strict=True)
            ranked = sorted(rows, key=lambda row: -row[1])
            found.append(
                [
                    Instance(rank, label, score, (x0 * scale[0], y0 * scale[1], x1 * scale[0], y1 * scale[1]))
                    for rank, (label, score, (x0, y0, x1, y1)) in enumerate(ranked)
                    if score >= query.min_score
                ]
            )
        kept = [list(query.keep(instances)) for query, instances in zip(queries, found, strict=True)]
        masked = self._masks(features, kept, queries, sizes)
        return [Detection(tuple(all_), tuple(some)) for all_, some in zip(found, masked, strict=True)]

    def _masks(
        self,
        features: dict[str, Tensor],
        kept: list[list[Instance]],
        queries: list[Query],
        sizes: list[tuple[int, int]],
    ) -> list[list[Instance]]:
        if not any(kept):
            return kept
        heads = self._model.roi_heads
        boxes = []
        for photo, instances in enumerate(kept):
            x, y = _scale(queries[photo].pixels, sizes[photo])
            rows = [(i.box[0] / x, i.box[1] / y, i.box[2] / x, i.box[3] / y) for i in instances]
            boxes.append(torch.tensor(rows, device=self.device).reshape(-1, 4))
        labels = torch.tensor([i.label for instances in kept for i in instances], device=self.device)
        assert heads.mask_roi_pool is not None
        assert heads.mask_head is not None
        assert heads.mask_predictor is not None
        logits = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(features, boxes, sizes)))
        own_class = logits[torch.arange(len(labels), device=self.device), labels]
        masks = iter(own_class.float().sigmoid().cpu().numpy())
        return [[replace(instance, mask=next(masks)) for instance in instances] for instances in kept]


def _padded(tensor: Tensor) -> tuple[int, int]:
    """Height and width rounded up to torchvision's `size_divisible`, 32."""
    return -(-int(tensor.shape[1]) // 32) * 32, -(-int(tensor.shape[2]) // 32) * 32


def _scale(pixels: NDArray[np.uint8], size: tuple[int, int]) -> tuple[float, float]:
    """Photo px per network px, along x and y."""
    return pixels.shape[1] / size[1], pixels.shape[0] / size[0]


def _resize(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear, as torchvision's Mask R-CNN resizes, to (h, w, 3) float32 in [0, 255].

    Only the pixels that the result is mixed from are ever made float. A photo more than twice as large as the
    network's input is averaged over whole blocks first: bilinear mixing alone would skip most of its pixels.
    """
    height, width = pixels.shape[:2]
    block = max(1, min(height // size[0], width // size[1]))
    if block > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(block))
    upper, lower, down = _taps(height, size[0], block, pixels.shape[0])
    left, right, across = _taps(width, size[1], block, pixels.shape[1])
    rows = pixels[upper] + (pixels[lower] - pixels[upper].astype(np.float32)) * down[:, None, None]
    return np.asarray(rows[:, left] + (rows[:, right] - rows[:, left]) * across[None, :, None], np.float32)


def _taps(
    length: int, target: int, block: int, available: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Along one axis: the two source pixels of each target pixel, and the weight of the second."""
    centre = np.maximum((np.arange(target) + 0.5) * (length / target / block) - 0.5, 0)
    first = np.minimum(centre.astype(np.intp), available - 1)
    return first, np.minimum(first + 1, available - 1), (centre - first).astype(np.float32)
