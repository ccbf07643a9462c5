"""What a request does to an alpha once it is drawn: hard edges, wider or narrower, softer. No colour follows it.

Work and memory grow with the window of the object and of what is done to it, not with the photo.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from objectcut.edges.matte import bounding_box
from objectcut.instance import Box
from objectcut.request.options import CutOptions

_ROWS = 256  # whose distances are computed at once
_TILE = 128  # px of a side that is processed at once, at least; tiles without an edge cost nothing
Plane = NDArray[np.uint8]


def adjusted(alpha: Plane, options: CutOptions) -> Plane:
    """Return the alpha as a request wants it; the same array when it wants nothing of it.

    Args:
        alpha: (H, W) uint8, as it was drawn. It is left as it is.
        options: `edges`, `grow` and `feather` of the request.
    """
    if options.edges == "sharp":
        alpha = sharp(alpha)
    if options.grow:
        alpha = grown(alpha, options.grow)
    return feathered(alpha, options.feather) if options.feather else alpha


def sharp(alpha: Plane) -> Plane:
    """0 and 255 alone."""
    hard: Plane = np.where(alpha > 127, np.uint8(255), np.uint8(0))
    return hard


def grown(alpha: Plane, grow: float) -> Plane:
    """Return the edge moved outwards by some px; inwards when negative. The photo's border is no edge."""
    result: Plane = alpha.copy()
    if grow > 0:
        _widen(result, alpha, grow)
        return result
    for tile, distance in _distances(alpha, 1, math.ceil(-grow) + 1, from_inside=False):
        part = _part(result, tile)
        np.minimum(part, ((distance + grow + 0.5) * 255).clip(0, 255).astype(np.uint8), out=part)
    return result


def around(alpha: Plane, reach: float) -> Plane:
    """Return the alpha of all that lies within some px of the inside, and of the inside itself."""
    result = np.zeros_like(alpha)
    _widen(result, alpha, reach)
    return result


def _widen(result: Plane, alpha: Plane, reach: float) -> None:
    room = math.ceil(reach) + 1
    for tile, distance in _distances(alpha, room, room, from_inside=True):
        part = _part(result, tile)
        np.maximum(part, ((reach + 0.5 - distance) * 255).clip(0, 255).astype(np.uint8), out=part)


def feathered(alpha: Plane, feather: float) -> Plane:
    """Return the edge softened, so that it takes about `feather` px from 0 to 1; at most the photo's longer side."""
    box = bounding_box(alpha)
    if box is None:
        return alpha
    deviation = min(feather, max(alpha.shape)) / 2
    window = _widened(box, math.ceil(3 * deviation) + 4, alpha)
    result = np.zeros_like(alpha)
    blurred = Image.fromarray(_part(alpha, window)).filter(ImageFilter.GaussianBlur(deviation))
    _part(result, window)[:] = np.asarray(blurred)
    return result


def _distances(
    alpha: Plane, room: int, reach: int, from_inside: bool
) -> Iterator[tuple[Box, NDArray[np.float32] | np.float32]]:
    """Return tiles, and the distance, px, of each of their places from the nearest place inside, or outside.

    The Euclidean distance transform of scipy; it gives the nearest places alone, in a sixth of the memory.

    Args:
        alpha: (H, W) uint8, above 127 inside.
        room: px around the box of the alpha that are covered too.
        reach: longest distance that matters, px. Tiles that are farther away are left out.
        from_inside: which of both the distance is measured from.
    """
    box = bounding_box(alpha)
    if box is None:
        return
    side = max(_TILE, 2 * reach)
    x0, y0, x1, y1 = _widened(box, room, alpha)
    for top, left in itertools.product(range(y0, y1, side), range(x0, x1, side)):
        tile = left, top, min(left + side, x1), min(top + side, y1)
        outer = _widened(tile, reach, alpha)
        away = (_part(alpha, outer) > 127) != from_inside
        inner = tile[0] - outer[0], tile[1] - outer[1], tile[2] - outer[0], tile[3] - outer[1]
        if away.all():
            continue
        if not away[inner[1] : inner[3], inner[0] : inner[2]].any():
            yield tile, np.float32(0)
            continue
        nearest = ndimage.distance_transform_edt(away, return_distances=False, return_indices=True)
        yield tile, _lengths(nearest, inner)


def _lengths(nearest: NDArray[np.int32], box: Box) -> NDArray[np.float32]:
    """Return the distance, px, of each place of a box from the one that is named for it, row and column."""
    lengths = np.empty((box[3] - box[1], box[2] - box[0]), np.float32)
    columns = np.arange(box[0], box[2], dtype=np.float32)
    for row in range(0, len(lengths), _ROWS):
        first, last = box[1] + row, min(box[1] + row + _ROWS, box[3])
        down = nearest[0, first:last, box[0] : box[2]] - np.arange(first, last, dtype=np.float32)[:, None]
        lengths[row : row + _ROWS] = np.hypot(down, nearest[1, first:last, box[0] : box[2]] - columns)
    return lengths


def _widened(box: Box, room: int, alpha: Plane) -> Box:
    height, width = alpha.shape
    return max(box[0] - room, 0), max(box[1] - room, 0), min(box[2] + room, width), min(box[3] + room, height)


def _part(plane: Plane, box: Box) -> Plane:
    return plane[box[1] : box[3], box[0] : box[2]]
