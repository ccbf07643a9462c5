"""RoIAlign over a feature pyramid, as one weighted sum of feature rows for each output cell.

Method: He et al., Mask R-CNN, 2017 (arXiv:1703.06870), section 3, with the level of Lin et al., Feature Pyramid
Networks, 2017 (arXiv:1612.03144), equation 1; the same samples as torchvision's `MultiScaleRoIAlign`, or, `aligned`,
those of Detectron2 and MMDetection, half a pixel further left and up. With features channels last, every sample is a
row of a table, so that the whole operation is an `embedding_bag`: parallel, vectorised and in the precision of the
features, where torchvision's operator uses one core and fp32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import MultiScaleRoIAlign

_CANONICAL_SIDE, _CANONICAL_LEVEL = 224, 4  # an object of 224 px is looked at on the level of stride 2 ** 4
_SAMPLES = 2  # a side of an output cell


class Pyramid:
    """The feature maps of a batch as one table.

    Args:
        levels: (B, C, h, w) each, finest first, every one half as fine as the one before.
        shape: height and width of the network's input, px.
        aligned: whether the centre of the first pixel lies at a half, and not at 0.
    """

    def __init__(self, levels: Sequence[Tensor], shape: tuple[int, int], aligned: bool = False) -> None:
        self._aligned = aligned
        device = levels[0].device
        sizes = [level.shape[-2:] for level in levels]
        channels = levels[0].shape[1]
        self.rows = torch.cat([level.permute(0, 2, 3, 1).reshape(-1, channels) for level in levels])
        self._finest = round(torch.tensor(shape[0] / sizes[0][0]).log2().item())
        self._sizes = torch.tensor(sizes, device=device, dtype=torch.int32)
        areas = [height * width for height, width in sizes]
        starts = [0]
        for area in areas[:-1]:
            starts.append(starts[-1] + area * levels[0].shape[0])
        self._areas = torch.tensor(areas, device=device, dtype=torch.int32)
        self._starts = torch.tensor(starts, device=device, dtype=torch.int32)

    def pool(self, boxes: Tensor, photos: Tensor, cells: int) -> Tensor:
        """Return the features under each box.

        Args:
            boxes: (N, 4) float32, x0, y0, x1, y1 in px of the network's input, inside of it.
            photos: (N,) int, the box's place in the batch.
            cells: rows and columns of the result.

        Returns:
            (N, C, cells, cells), channels last, in the type of the features.
        """
        level = (_level(boxes) - self._finest).clamp(0, len(self._sizes) - 1).long()
        scale = torch.exp2(-(level + self._finest).float())
        height, width = self._sizes[level].unbind(1)
        across, across_weights = _taps(boxes[:, 0] * scale, boxes[:, 2] * scale, width, cells, self._aligned)
        down, down_weights = _taps(boxes[:, 1] * scale, boxes[:, 3] * scale, height, cells, self._aligned)
        first = self._starts[level] + self._areas[level] * photos.int()
        down = first[:, None, None] + down * width[:, None, None]
        index = down[:, :, None, :, None] + across[:, None, :, None, :]  # (N, cells, cells, taps, taps)
        weights = down_weights[:, :, None, :, None] * across_weights[:, None, :, None, :]
        bags, taps = len(boxes) * cells**2, index.shape[3] * index.shape[4]
        pooled = functional.embedding_bag(
            index.reshape(bags, taps),
            self.rows,
            mode="sum",
            per_sample_weights=weights.reshape(bags, taps).to(self.rows.dtype),
        )
        return pooled.view(len(boxes), cells, cells, self.rows.shape[1]).permute(0, 3, 1, 2)


class AlignedRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]  # torchvision ships no types
    """Takes the place of torchvision's pooling in a model whose samples are aligned, where that is trained or exported.

    Boxes that are thinner than a pixel of their map are pooled as if they had one.
    """

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """Return the features under each box: those that torchvision finds half a pixel further left and up.

        Args:
            x: (B, C, h, w) by name, at strides 4, 8, 16 and 32.
            boxes: (N, 4) float32 of each photo, px of the network's input.
            image_shapes: height and width of each photo there, px.
        """
        half = [torch.pow(2.0, _level(own).clamp(2, 5)) / 2 for own in boxes]
        moved = [own - by[:, None] for own, by in zip(boxes, half, strict=True)]
        pooled: Tensor = super().forward(x, moved, image_shapes)
        return pooled


def _level(boxes: Tensor) -> Tensor:
    """Return the logarithm of the stride of the map that each box is looked at on: (N,) float32, whole numbers."""
    side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
    return torch.floor(_CANONICAL_LEVEL + torch.log2(side / _CANONICAL_SIDE) + 1e-6)


def _taps(low: Tensor, high: Tensor, length: Tensor, cells: int, aligned: bool) -> tuple[Tensor, Tensor]:
    """Along one axis: the pixels of each cell's samples and their weights, (N, cells, 2 * _SAMPLES) each.

    Args:
        low, high: (N,) float32, the box in px of the feature map.
        length: (N,) int32, of the feature map.
        cells: how many the box is divided into.
        aligned: whether the centre of the first pixel lies at a half.
    """
    samples = torch.arange(cells * _SAMPLES, device=low.device)
    # Where it does not, a box is taken to be a pixel wide at least.
    step = (high - low if aligned else (high - low).clamp(min=1.0)) / cells
    low = low - 0.5 if aligned else low
    # In torchvision's order of operations, so that the roundings agree.
    cell, inside = samples // _SAMPLES, (samples % _SAMPLES + 0.5) / _SAMPLES
    at = (low[:, None] + cell * step[:, None] + inside * step[:, None]).clamp(min=0)
    last = (length - 1)[:, None]
    first = torch.minimum(at.int(), last)
    share = torch.where(first == last, 0.0, at - first)
    pixels = torch.stack((first, torch.minimum(first + 1, last)), -1)
    # A box at the far border that is thinner than a pixel has samples outside, which count as zero.
    weights = torch.stack((1 - share, share), -1) * ((at <= length[:, None]) / _SAMPLES)[..., None]
    shape = len(low), cells, 2 * _SAMPLES
    return pixels.view(shape), weights.view(shape)
