"""From a coarse mask to an alpha whose edge follows the photo, at the photo's resolution.

The refiner draws the edge in a small picture of the object's surroundings. Where the photo is finer than that picture,
the edge is carried over by the fast guided filter (He and Sun 2015, arXiv:1505.00996): in every neighbourhood alpha is
a linear function of the colours, whose coefficients are found in the small picture and applied in the large one. Only
the blocks that the edge runs through are worked on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from torch import nn
from torch.nn import functional

from objectcut.detector import Instance
from objectcut.matte import Box, probability
from objectcut.refiner import STRIDE

_ROOM = 0.15  # of the box's longer side, on each side: how far beyond the box an object may reach
_AREA = 208 * 208  # px of the small picture
_STEEPNESS = 10.0  # makes the refiner's doubt, which would show as mist, an edge one or two small px wide
_SEAM = 2.0  # small px from the contour, beyond which nothing is half transparent
_CORE, _CERTAIN = 1.0, 0.5  # cells of the coarse mask from its rim, and its probability, from which it is believed
_RADIUS, _EPSILON = 2, 1e-4  # of the guided filter: small px, and squared colour distance that counts as noise
_CONTRAST = 3.0  # given back to the edge, which the guided filter has blurred
_BLOCK = 8  # small px a side; what is worked on or left out
_SURE = 0.04  # alpha nearer to 0 or 1 is taken for it
Plane = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Alpha:
    """An instance's alpha inside a window of the photo; it is zero elsewhere.

    Attributes:
        x, y: the window's top left corner, px of the photo.
        values: (h, w) uint8.
    """

    x: int
    y: int
    values: NDArray[np.uint8]


def draw(pixels: NDArray[np.uint8], instance: Instance, refiner: nn.Module) -> Alpha:
    """The refined alpha of an instance that has a mask.

    Args:
        pixels: (H, W, 3) uint8, sRGB, the whole photo.
        instance: with its mask.
        refiner: as `refiner.load` gives it.
    """
    assert instance.mask is not None
    whole = _window(instance.box)
    size = _small_size(whole)
    small = _small_picture(pixels, whole, size)
    seen = probability(instance.mask, instance.box, whole, size)
    inputs = np.concatenate((small * 2 - 1, 2 * seen[..., None] - 1), 2).transpose(2, 0, 1)[None]
    with torch.inference_mode():
        ready = torch.from_numpy(np.ascontiguousarray(inputs)).contiguous(memory_format=torch.channels_last)
        alpha = (_STEEPNESS * refiner(ready)[0, 0]).sigmoid()
        alpha = _without_mist(torch.maximum(alpha, _core(torch.from_numpy(seen), instance, whole)).numpy())
    height, width = pixels.shape[:2]
    inside = max(whole[0], 0), max(whole[1], 0), min(whole[2], width), min(whole[3], height)
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return Alpha(0, 0, np.zeros((0, 0), np.uint8))
    return Alpha(inside[0], inside[1], _carried_over(pixels, small, alpha, whole, inside))


def sharp(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """0 and 255 alone."""
    return np.where(alpha > 127, 255, 0).astype(np.uint8)


def union(alphas: Iterable[Alpha], width: int, height: int) -> NDArray[np.uint8]:
    """The alpha of several instances together, (H, W) uint8: of each pixel the highest, so every edge stays."""
    together = np.zeros((height, width), np.uint8)
    for alpha in alphas:
        rows, columns = alpha.values.shape
        part = together[alpha.y : alpha.y + rows, alpha.x : alpha.x + columns]
        np.maximum(part, alpha.values, out=part)
    return together


def adjusted(alpha: NDArray[np.uint8], grow: float, feather: float) -> NDArray[np.uint8]:
    """Alpha widened, or shrunk, and then softened.

    Args:
        alpha: (H, W) uint8.
        grow: px by which the edge moves outwards; negative: inwards.
        feather: px that the edge takes from 0 to 1, about.
    """
    if grow:
        alpha = _grown(alpha, grow)
    if feather:
        alpha = np.asarray(Image.fromarray(alpha).filter(ImageFilter.GaussianBlur(feather / 2)))
    return alpha


def _grown(alpha: NDArray[np.uint8], grow: float) -> NDArray[np.uint8]:
    inside = alpha > 127
    if not inside.any() or (grow < 0 and inside.all()):
        return alpha
    if grow > 0:
        reach = ((grow + 0.5 - ndimage.distance_transform_edt(~inside)) * 255).clip(0, 255)
        grown: NDArray[np.uint8] = np.maximum(alpha, reach.astype(np.uint8))
        return grown
    depth = ((ndimage.distance_transform_edt(inside) + grow + 0.5) * 255).clip(0, 255)
    shrunk: NDArray[np.uint8] = np.minimum(alpha, depth.astype(np.uint8))
    return shrunk


def _window(box: tuple[float, float, float, float]) -> Box:
    room = _ROOM * max(box[2] - box[0], box[3] - box[1]) + 1
    x0, y0, x1, y1 = box
    return math.floor(x0 - room), math.floor(y0 - room), math.ceil(x1 + room), math.ceil(y1 + room)


def _small_size(window: Box) -> tuple[int, int]:
    """Width and height of the small picture: the window's shape, multiples of the refiner's stride."""
    width, height = window[2] - window[0], window[3] - window[1]
    scale = math.sqrt(_AREA / (width * height))
    sides = (max(2, round(side * scale / STRIDE)) * STRIDE for side in (width, height))
    return next(sides), next(sides)


def _core(seen: torch.Tensor, instance: Instance, window: Box) -> torch.Tensor:
    """What lies so deep inside of the coarse mask that it is not the refiner's to take away, (h, w), 0 to 1."""
    assert instance.mask is not None
    cell = (instance.box[2] - instance.box[0]) / instance.mask.shape[1] * seen.shape[1] / (window[2] - window[0])
    reach = max(1, round(_CORE * cell))
    lowest = -functional.max_pool2d(-seen[None], 2 * reach + 1, 1, reach)[0]
    return ((lowest - _CERTAIN) / (1 - _CERTAIN) * 2).clamp(0, 1)


def _without_mist(alpha: Plane) -> Plane:
    """The alpha made sure of everything that is not near its contour."""
    inside = alpha > 0.5
    if inside.all() or not inside.any():
        return alpha
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    steps = (2 * depth / _SEAM).astype(np.float32)
    kept: Plane = alpha.clip((steps - 1).clip(0, 1), 1 - (-steps - 1).clip(0, 1))
    return kept


def _small_picture(pixels: NDArray[np.uint8], window: Box, size: tuple[int, int]) -> Plane:
    """(h, w, 3) float32, 0 to 1, of the window; black outside of the photo."""
    x0, y0, x1, y1 = window
    height, width = pixels.shape[:2]
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if (left, top, right, bottom) == window:
        taken = Image.fromarray(pixels[y0:y1, x0:x1])
    else:
        taken = Image.new("RGB", (x1 - x0, y1 - y0))
        if left < right and top < bottom:
            taken.paste(Image.fromarray(pixels[top:bottom, left:right]), (left - x0, top - y0))
    resized = taken.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    small: Plane = np.asarray(resized, np.float32) * np.float32(1 / 255)
    return small


def _carried_over(pixels: NDArray[np.uint8], small: Plane, alpha: Plane, whole: Box, inside: Box) -> NDArray[np.uint8]:
    """The small alpha at the photo's resolution, for the part of the window that lies inside of the photo."""
    height, width = alpha.shape
    across, down = width / (whole[2] - whole[0]), height / (whole[3] - whole[1])  # small px a px
    fine = min(across, down) < 0.7
    planes = [Image.fromarray(plane) for plane in (_guided(small, alpha) if fine else alpha[None])]
    result = np.zeros((inside[3] - inside[1], inside[2] - inside[0]), np.uint8)
    for y0 in range(0, height, _BLOCK):
        for x0 in range(0, width, _BLOCK):
            near = alpha[max(y0 - _RADIUS, 0) : y0 + _BLOCK + _RADIUS, max(x0 - _RADIUS, 0) : x0 + _BLOCK + _RADIUS]
            if near.max() < _SURE:
                continue
            left, right = (round(whole[0] + x / across) for x in (x0, x0 + _BLOCK))
            top, bottom = (round(whole[1] + y / down) for y in (y0, y0 + _BLOCK))
            left, top = max(left, inside[0]), max(top, inside[1])
            right, bottom = min(right, inside[2]), min(bottom, inside[3])
            if left >= right or top >= bottom:
                continue
            target = result[top - inside[1] : bottom - inside[1], left - inside[0] : right - inside[0]]
            if near.min() > 1 - _SURE:
                target[:] = 255
                continue
            box = (
                max((left - whole[0]) * across, 0.0),
                max((top - whole[1]) * down, 0.0),
                min((right - whole[0]) * across, float(width)),
                min((bottom - whole[1]) * down, float(height)),
            )
            size = right - left, bottom - top
            parts = [np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box)) for plane in planes]
            if fine:
                colours = pixels[top:bottom, left:right].astype(np.float32) / 255
                value = parts[3] + sum(colours[..., channel] * parts[channel] for channel in range(3))
            else:
                value = parts[0]
            value = (value - 0.5) * (_CONTRAST if fine else 1 / (1 - 2 * _SURE)) + 0.5
            target[:] = (value * 255).round().clip(0, 255).astype(np.uint8)
    return result


def _guided(guide: Plane, alpha: Plane) -> Plane:
    """The guided filter's coefficients, (4, h, w): of red, green and blue, and what is added."""
    image = torch.from_numpy(guide).permute(2, 0, 1)
    target = torch.from_numpy(alpha)[None]
    mean, mean_alpha = _mean(image), _mean(target)
    pairs = _mean(image[:, None].mul(image[None]).flatten(0, 1))
    covariance = pairs.view(3, 3, *alpha.shape) - mean[:, None] * mean[None]
    covariance = covariance.permute(2, 3, 0, 1) + _EPSILON * torch.eye(3)
    together = (_mean(image * target) - mean * mean_alpha).permute(1, 2, 0)[..., None]
    slope = torch.linalg.solve(covariance, together)[..., 0].permute(2, 0, 1)
    offset = mean_alpha - (slope * mean).sum(0, keepdim=True)
    return _mean(torch.cat((slope, offset))).numpy()


def _mean(planes: torch.Tensor) -> torch.Tensor:
    """Over (2 * _RADIUS + 1)² neighbours, those inside of the picture."""
    side = 2 * _RADIUS + 1
    return functional.avg_pool2d(planes[None], side, 1, _RADIUS, count_include_pad=False)[0]
