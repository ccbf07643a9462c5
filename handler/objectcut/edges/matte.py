"""From the network's 28 x 28 masks to masks and alpha at the photo's own resolution.

Owns the pasting. Work and memory grow with the boxes of the wanted instances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from objectcut.instance import Box, Instance

_GLANCE = 256  # px of the longer side of a box
_THRESHOLD = 0.5  # where He et al. 2017, section 3.1, cut the mask


@dataclass(frozen=True, eq=False)
class Matte:
    """The pixels of one instance.

    Attributes:
        x, y: top left corner of `alpha` in the photo, px.
        alpha: (h, w) uint8, the instance's share of each pixel, 255 is all; the rest of the photo is outside.
    """

    x: int
    y: int
    alpha: NDArray[np.uint8]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(h, w), the pixels of which the instance has most."""
        return self.alpha > 127

    @property
    def area(self) -> int:
        """Pixels inside."""
        return int(np.count_nonzero(self.inside))

    @property
    def box(self) -> Box:
        """Around the pixels inside, x0, y0, x1, y1 in px of the photo, half-open. There must be some."""
        tight = bounding_box(self.inside)
        assert tight is not None
        return tight[0] + self.x, tight[1] + self.y, tight[2] + self.x, tight[3] + self.y

    def covers(self, x: float, y: float) -> bool:
        """Return whether the photo's pixel at this point belongs to the instance."""
        column, row = math.floor(x) - self.x, math.floor(y) - self.y
        height, width = self.alpha.shape
        return 0 <= column < width and 0 <= row < height and bool(self.alpha[row, column] > 127)


Drawn = dict[tuple[int, tuple[float, ...]], Matte]
"""Objects whose edges were drawn, by id and box."""


@dataclass(frozen=True, eq=False)
class Found:
    """An instance with its mask, at the photo's resolution or a lower one. Large: only a few are kept at a time.

    Attributes:
        instance: the one.
        matte: its mask.
        scale: px of the mask a px of the photo, at most 1.
    """

    instance: Instance
    matte: Matte
    scale: float = 1.0

    @property
    def area(self) -> float:
        """Pixels of the photo inside, about."""
        return self.matte.area / self.scale**2

    def covers(self, x: float, y: float) -> bool:
        """Return whether the photo's pixel at this point belongs to the instance."""
        return self.matte.covers(x * self.scale, y * self.scale)

    @property
    def extent(self) -> Extent:
        """What there is to say of it once the mask is let go. It must be at full size, with something inside."""
        assert self.scale == 1
        return Extent(self.instance, self.matte.box, self.matte.area)


@dataclass(frozen=True, eq=False)
class Extent:
    """An instance and what its mask covers.

    Attributes:
        instance: the one.
        box: around the mask, x0, y0, x1, y1 in px of the photo, half-open.
        area: of the mask, px.
    """

    instance: Instance
    box: Box
    area: int


def glance(instance: Instance, width: int, height: int) -> Found:
    """Return the instance's mask at a resolution that is enough to choose by, in a photo of this size."""
    x0, y0, x1, y1 = instance.box
    scale = min(1.0, _GLANCE / max(x1 - x0, y1 - y0, 1.0))
    small = replace(instance, box=(x0 * scale, y0 * scale, x1 * scale, y1 * scale))
    return Found(instance, paste(small, math.ceil(width * scale), math.ceil(height * scale)), scale)


def paste(instance: Instance, width: int, height: int) -> Matte:
    """Return the instance's mask at the resolution of a photo of this size, as small as it can be.

    The same sampling as torchvision's `paste_mask_in_image`: one cell of zeros around the mask, the box widened by as
    much and its corners cut to whole pixels, bilinear, half-open.
    """
    assert instance.mask is not None, "the instance was not among those kept"
    cells = instance.mask.shape[0]
    grow = (cells + 2) / cells
    x0, y0, x1, y1 = instance.box
    half_width, half_height = (x1 - x0) / 2 * grow, (y1 - y0) / 2 * grow
    left, top = int((x0 + x1) / 2 - half_width), int((y0 + y1) / 2 - half_height)
    right, bottom = int((x0 + x1) / 2 + half_width), int((y0 + y1) / 2 + half_height)
    columns, rows = max(right - left + 1, 1), max(bottom - top + 1, 1)
    padded = torch.from_numpy(np.pad(instance.mask, 1))[None, None]
    pasted = functional.interpolate(padded, size=(rows, columns), mode="bilinear", align_corners=False)[0, 0]
    inside = (pasted > _THRESHOLD).numpy()
    x, y = max(left, 0), max(top, 0)
    inside = inside[y - top : max(height - top, 0), x - left : max(width - left, 0)]
    tight = bounding_box(inside) or (0, 0, 0, 0)
    return Matte(x + tight[0], y + tight[1], inside[tight[1] : tight[3], tight[0] : tight[2]] * np.uint8(255))


def probability(
    mask: NDArray[np.float32], box: tuple[float, float, float, float], window: tuple[float, ...], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the network's mask seen through a window of the photo, bilinear, 0 outside of the box.

    Args:
        mask: (cells, cells) float32, 0 to 1.
        box: that it belongs to, x0, y0, x1, y1 in px of the photo.
        window: what is looked at, likewise.
        size: width and height of the result, px.
    """
    # Linear interpolation between the centres of cells, with one of zeros around them, is a product with a matrix for
    # each axis.
    # By torch: the threads that NumPy would multiply with wait awake, and keep those of the network from the cores.
    down, across = (
        _interpolation(count, window[axis], window[axis + 2], box[axis], box[axis + 2], size[axis])
        for axis, count in ((1, mask.shape[0]), (0, mask.shape[1]))
    )
    seen: NDArray[np.float32] = (down @ torch.from_numpy(mask) @ across.T).numpy()
    return seen


def _interpolation(cells: int, low: float, high: float, start: float, end: float, count: int) -> Tensor:
    """Return how much of each cell is in each px of a result, (count, cells) float32, along one axis.

    Args:
        cells: of the mask.
        low, high: of the window, px of the photo.
        start, end: of the box, likewise.
        count: px of the result.
    """
    centres = low + (np.arange(count) + 0.5) * ((high - low) / count)
    places = (centres - start) * (cells / max(end - start, 1e-6)) - 0.5  # in cells, from the centre of the first
    weights = 1 - np.abs(places[:, None] - np.arange(cells))
    return torch.from_numpy(weights.clip(0).astype(np.float32))


def box_plane(
    box: tuple[float, float, float, float], window: tuple[float, ...], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a box seen through a window of the photo: (h, w) float32, 1 inside of it, 0 outside.

    Args:
        box: x0, y0, x1, y1 in px of the photo.
        window: what is looked at, likewise.
        size: width and height of the result, px.
    """
    within = []
    for axis in (1, 0):
        step = (window[axis + 2] - window[axis]) / size[axis]
        centres = window[axis] + (np.arange(size[axis]) + 0.5) * step
        within.append((centres >= box[axis]) & (centres < box[axis + 2]))
    return np.outer(*within).astype(np.float32)


def nearest_inside(
    size: tuple[int, int], window: tuple[float, ...], photo: tuple[float, ...], margin: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each row and column of a small picture the nearest one that shows nothing beyond the photo.

    Args:
        size: width and height of the small picture, px.
        window: what it shows, x0, y0, x1, y1.
        photo: where the photo lies, likewise.
        margin: px of the small picture beside the photo's border that count as beyond it.
    """
    places = []
    for axis in (1, 0):
        count, low, high = size[axis], window[axis], window[axis + 2]
        scale = count / (high - low)  # small px a px
        first = math.ceil(max(photo[axis] - low, 0) * scale) + margin * (low < photo[axis])
        last = math.floor((min(high, photo[axis + 2]) - low) * scale) - 1 - margin * (high > photo[axis + 2])
        places.append(np.arange(count).clip(first, max(first, last)).clip(0, count - 1))
    return places[0], places[1]


def union(mattes: Iterable[Matte], width: int, height: int) -> NDArray[np.uint8]:
    """Return the alpha of different objects together, (H, W) uint8: the sum, so that edges that meet leave no seam."""
    together = np.zeros((height, width), np.uint8)
    for matte in mattes:
        rows, columns = matte.alpha.shape
        part = together[matte.y : matte.y + rows, matte.x : matte.x + columns]
        part += np.minimum(matte.alpha, 255 - part)
    return together


def highest(mattes: Sequence[Matte]) -> Matte:
    """Return the alpha of one object that was found several times: the maximum per pixel, so that no edge hardens."""
    if len(mattes) == 1:
        return mattes[0]
    x, y = min(matte.x for matte in mattes), min(matte.y for matte in mattes)
    right = max(matte.x + matte.alpha.shape[1] for matte in mattes)
    bottom = max(matte.y + matte.alpha.shape[0] for matte in mattes)
    together = np.zeros((bottom - y, right - x), np.uint8)
    for matte in mattes:
        rows, columns = matte.alpha.shape
        part = together[matte.y - y : matte.y - y + rows, matte.x - x : matte.x - x + columns]
        np.maximum(part, matte.alpha, out=part)
    return Matte(x, y, together)


def bounding_box(plane: NDArray[np.uint8] | NDArray[np.bool_]) -> Box | None:
    """Around everything that is not zero in (H, W): x0, y0, x1, y1, half-open; None when all is zero."""
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
