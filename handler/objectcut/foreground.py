"""The object's own colours along a soft edge, without what shines through of the old background.

A pixel of the edge is a mixture of object and background. Both are estimated from their surroundings, blurred at a
reduced size, and the mixture is solved for the object (Forte 2021, Approximate Fast Foreground Colour Estimation). Only
pixels that are neither wholly in nor wholly out are changed.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from objectcut.matte import bounding_box

_SIDE = 640  # px, of the reduced picture that colours are averaged in
_FACTORS = 27, 9, 3, 1  # reduced px of a cell: what is far from the edge first, then what is near
_PURE = 0.9  # share of one colour above which a pixel tells what that colour is
_LEAST = 1e-3  # weight below which nothing is known of a colour
_ROWS = 256  # that are worked on at once, so that memory stays small
Plane = NDArray[np.float32]


def clean(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo with the object's own colours where alpha is between 0 and 255; the same array if there is no such.

    Args:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) uint8.
    """
    soft = (alpha > 0) & (alpha < 255)
    box = bounding_box(soft)
    if box is None:
        return pixels
    x0, y0, x1, y1 = box
    inner, mask, band = pixels[y0:y1, x0:x1], alpha[y0:y1, x0:x1], soft[y0:y1, x0:x1]
    front, back = _estimates(inner, mask)
    cleaned: NDArray[np.uint8] = pixels.copy()
    target = cleaned[y0:y1, x0:x1]
    height, width = mask.shape
    for top in range(0, height, _ROWS):
        rows, columns = np.nonzero(band[top : top + _ROWS])
        if not rows.size:
            continue
        rows += top
        share = mask[rows, columns, None].astype(np.float32) / 255
        near_front, near_back = (_at(plane, rows / height, columns / width) for plane in (front, back))
        seen = inner[rows, columns].astype(np.float32)
        solved = near_front + share * (seen - share * near_front - (1 - share) * near_back)
        target[rows, columns] = solved.round().clip(0, 255).astype(np.uint8)
    return cleaned


def _estimates(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """Colours of object and background around every place of a reduced picture, (h, w, 3) float32 each, 0 to 255."""
    height, width = alpha.shape
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    share = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BOX), np.float32)[..., None] / 255
    colours = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX), np.float32)
    front, back = (_spread(colours, ((weight - _PURE) / (1 - _PURE)).clip(0)) for weight in (share, 1 - share))
    return front, back


def _spread(colours: Plane, weight: Plane) -> Plane:
    """The weighted mean of the colours around each place: of near ones where there are any, else of far ones."""
    spread = np.broadcast_to((colours * weight).sum((0, 1)) / max(float(weight.sum()), _LEAST), colours.shape)
    for factor in _FACTORS:
        amount = _blurred(weight, factor)
        near = _blurred(colours * weight, factor) / np.maximum(amount, _LEAST)
        trust = np.minimum(amount / (20 * _LEAST), 1.0)
        spread = trust * near + (1 - trust) * spread
    return np.ascontiguousarray(spread, np.float32)


def _blurred(planes: Plane, factor: int) -> Plane:
    """The mean of some 7 x 7 neighbours of `factor` px each around every place, (h, w, C), of those that are inside."""
    whole = torch.from_numpy(planes).permute(2, 0, 1)[None]
    few = functional.avg_pool2d(whole, factor, ceil_mode=True) if factor > 1 else whole
    few = functional.avg_pool2d(few, 7, 1, 3, count_include_pad=False)
    blurred = functional.interpolate(few, size=whole.shape[-2:], mode="bilinear") if factor > 1 else few
    return np.asarray(blurred[0].permute(1, 2, 0))


def _at(plane: Plane, down: NDArray[np.float64], across: NDArray[np.float64]) -> Plane:
    """The plane's colours at places given as shares of its height and width, to the nearest."""
    height, width = plane.shape[:2]
    nearest: Plane = plane[(down * height).astype(np.intp), (across * width).astype(np.intp)]
    return nearest
