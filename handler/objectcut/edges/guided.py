"""From an alpha drawn in a small picture to one at the photo's own pixels, along the photo's colours.

The fast guided filter (He and Sun 2015, arXiv:1505.00996): in every neighbourhood of the small picture alpha is a
linear function of the colours; its coefficients are enlarged and applied to the colours of the photo. Only tiles that
the edge runs through are processed, so time and memory grow with the contour and not with the photo.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from objectcut.instance import Box

_RADIUS, _EPSILON = 2, 1e-4  # small px, and squared colour distance that counts as noise
_CONTRAST = 3.0  # given back to hard edges, which the filter has blurred
_TILE = 4  # small px a side
_REACH = _TILE + 4  # small px that the pixels of a tile lie between
_BESIDE = 2  # tiles around one that its coefficients depend on
_SURE = 0.04  # alpha nearer to 0 or 1 is taken for it
_COARSE = 1.4  # photo px a small px, below which there is no detail to find
_AT_ONCE = 60_000  # px that are processed together, so that memory stays small
Plane = NDArray[np.float32]


def enlarge(
    alpha: Plane, hardness: Plane, small: Plane, pixels: NDArray[np.uint8], window: Box
) -> tuple[int, int, NDArray[np.uint8]]:
    """Return the alpha of a window at the photo's resolution, as far as it lies inside of the photo.

    Args:
        alpha: (h, w) float32, 0 to 1, of the small picture. h and w are multiples of 4.
        hardness: likewise: 1 where the edge is a hard one, however wide it looks in the small picture.
        small: (h, w, 3) float32, 0 to 1, the small picture.
        pixels: (H, W, 3) uint8, the photo.
        window: what the small picture shows of it, px of the photo; it may reach beyond.

    Returns:
        x and y of the top left corner in the photo, and the alpha from there, (rows, columns) uint8.
    """
    height, width = pixels.shape[:2]
    left, top = max(window[0], 0), max(window[1], 0)
    right, bottom = min(window[2], width), min(window[3], height)
    if left >= right or top >= bottom:
        return 0, 0, np.zeros((0, 0), np.uint8)
    scale = (window[2] - window[0]) / alpha.shape[1], (window[3] - window[1]) / alpha.shape[0]  # photo px a small px
    if max(scale) < _COARSE:
        x0, x1 = (left - window[0]) / scale[0], (right - window[0]) / scale[0]
        y0, y1 = (top - window[1]) / scale[1], (bottom - window[1]) / scale[1]
        resized = Image.fromarray(alpha).resize(
            (right - left, bottom - top), Image.Resampling.BILINEAR, (x0, y0, x1, y1)
        )
        stretched = (np.asarray(resized) - 0.5) * (255 / (1 - 2 * _SURE)) + 128  # half of it rounds
        return left, top, stretched.clip(0, 255).astype(np.uint8)
    result = np.zeros((bottom - top, right - left), np.uint8)
    _fill(result, alpha, hardness, small, pixels, window, (left, top), scale)
    return left, top, result


def _fill(
    result: NDArray[np.uint8],
    alpha: Plane,
    hardness: Plane,
    small: Plane,
    pixels: NDArray[np.uint8],
    window: Box,
    corner: tuple[int, int],
    scale: tuple[float, float],
) -> None:
    """Tile by tile: nothing, all, or the edge."""
    shown = pixels[corner[1] : corner[1] + result.shape[0], corner[0] : corner[0] + result.shape[1]]
    down, across = _Axis(alpha.shape[0], window[1], scale[1]), _Axis(alpha.shape[1], window[0], scale[0])
    rows, columns = down.clipped(corner[1], result.shape[0]), across.clipped(corner[0], result.shape[1])
    nearby = torch.from_numpy(np.stack((alpha, -alpha)))
    highest, lowest = functional.max_pool2d(nearby, _TILE + 2 * _RADIUS, _TILE, _RADIUS)
    whole, none = -lowest > 1 - _SURE, highest < _SURE
    for i, j in whole.nonzero().tolist():
        result[rows[i], columns[j]] = 255
    edge = (~whole & ~none).nonzero()
    if not len(edge):
        return
    first, last = edge.amin(0).tolist(), edge.amax(0).tolist()
    from_row, from_column = (max(place - _BESIDE, 0) for place in first)
    near = tuple(
        slice(_TILE * max(low - _BESIDE, 0), _TILE * (high + 1 + _BESIDE))
        for low, high in zip(first, last, strict=True)
    )
    planes = (torch.from_numpy(np.ascontiguousarray(plane[near])) for plane in (small, alpha, hardness))
    patches = _patches(_coefficients(*planes))
    for some in edge.split(max(1, _AT_ONCE // (down.length * across.length))):
        i, j = some.unbind(1)
        own = patches[i - from_row, j - from_column]
        mixed = down.weights[i][:, None] @ own @ across.weights[j][:, None].transpose(2, 3)
        places = [(rows[a], columns[b]) for a, b in some.tolist()]
        colours = torch.zeros((len(some), down.length, across.length, 3), dtype=torch.uint8)
        for tile, (row, column) in zip(colours.numpy(), places, strict=True):
            seen = shown[row, column]
            tile[: seen.shape[0], : seen.shape[1]] = seen
        values = mixed[:, 3] * 255
        for channel in range(3):
            values += mixed[:, channel] * colours[..., channel]
        rounded = values.round_().clamp_(0, 255).to(torch.uint8).numpy()
        for tile, (row, column) in zip(rounded, places, strict=True):
            result[row, column] = tile[: row.stop - row.start, : column.stop - column.start]


class _Axis:
    """One direction of the small picture, cut into tiles.

    Args:
        count: small px.
        start: where it begins, px of the photo.
        scale: photo px a small px.

    Attributes:
        length: photo px of the longest tile.
        weights: (tiles, length, _REACH), of the small px around a tile for each of its photo px: linear interpolation.
    """

    def __init__(self, count: int, start: int, scale: float) -> None:
        self._bounds = [math.floor(start + place * scale) for place in range(0, count + 1, _TILE)]
        self.length = math.ceil(_TILE * scale) + 1
        first = torch.tensor(self._bounds[:-1], dtype=torch.float64)[:, None] + torch.arange(self.length)
        places = (first + 0.5 - start) / scale - 0.5  # in small px
        own = places - torch.arange(0, count, _TILE)[:, None] + 1  # from the first of the small px around the tile
        self.weights = (1 - (own[..., None] - torch.arange(_REACH)).abs()).clamp(min=0).float()

    def clipped(self, corner: int, length: int) -> list[slice]:
        """Return where each tile lies in a result that begins at `corner`; only what is inside of it."""
        low, high = corner, corner + length
        ends = [min(max(bound, low), high) - corner for bound in self._bounds]
        return [slice(*pair) for pair in itertools.pairwise(ends)]


def _patches(planes: Tensor) -> Tensor:
    """Return the surroundings of every tile: (down, across, C, _REACH, _REACH), a view."""
    padded = functional.pad(planes[None], (1, _REACH, 1, _REACH), mode="replicate")[0]
    return padded.unfold(1, _REACH, _TILE).unfold(2, _REACH, _TILE).permute(1, 2, 0, 3, 4)


def _coefficients(image: Tensor, alpha: Tensor, hardness: Tensor) -> Tensor:
    """(4, h, w): what to multiply red, green and blue with, and what to add; hard edges steepened."""
    red, green, blue = image.unbind(2)
    products = (red * red, red * green, red * blue, green * green, green * blue, blue * blue)
    planes = (red, green, blue, alpha, red * alpha, green * alpha, blue * alpha, *products)
    r, g, b, a, ra, ga, ba, rr, rg, rb, gg, gb, bb = _mean(*planes).unbind(0)
    rr, gg, bb = rr - r * r + _EPSILON, gg - g * g + _EPSILON, bb - b * b + _EPSILON
    rg, rb, gb, ra, ga, ba = rg - r * g, rb - r * b, gb - g * b, ra - r * a, ga - g * a, ba - b * a
    # The covariance of the colours, inverted by its cofactors.
    c0, c1, c2 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c3, c4, c5 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c0 + rg * c1 + rb * c2)
    x = (c0 * ra + c1 * ga + c2 * ba) * scale
    y = (c1 * ra + c3 * ga + c4 * ba) * scale
    z = (c2 * ra + c4 * ga + c5 * ba) * scale
    linear = _mean(x, y, z, a - x * r - y * g - z * b)
    contrast = (1 + (_CONTRAST - 1) * hardness) / (1 - 2 * _SURE)  # what is sure enough to be a tile of its own is sure
    linear[3] -= 0.5
    linear *= contrast
    linear[3] += 0.5
    return linear


def _mean(*planes: Tensor) -> Tensor:
    """(C, h, w) over (2 * _RADIUS + 1)² neighbours, those inside of the picture."""
    side, count = 2 * _RADIUS + 1, len(planes) + 1
    # Stacked along the last axis they are channels last, without another copy.
    counted = torch.stack((*planes, torch.ones_like(planes[0])), -1).permute(2, 0, 1)[None]
    # Convolutions channel by channel, along one axis each: far faster than the pooling that says the same.
    sums = functional.conv2d(counted, counted.new_ones(count, 1, side, 1), padding=(_RADIUS, 0), groups=count)
    sums = functional.conv2d(sums, counted.new_ones(count, 1, 1, side), padding=(0, _RADIUS), groups=count)[0]
    del counted
    sums[:-1] /= sums[-1]
    return sums[:-1]
