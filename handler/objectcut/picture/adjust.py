"""What a request does to an alpha once it is drawn: hard edges, wider or narrower, softer. No colour follows it.

Work and memory grow with the window of the object and of what is done to it, not with the photo.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from objectcut.edges.matte import bounding_box
from objectcut.instance import Box
from objectcut.request.options import CutOptions

_ROWS = 256  # that are processed at once, at least
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
    box = bounding_box(alpha)
    if box is None:
        return alpha
    result: Plane = alpha.copy()
    reach = math.ceil(abs(grow)) + 1
    for inner, outer in _bands(_widened(box, reach if grow > 0 else 1, alpha), reach, alpha):
        inside = _part(alpha, outer) > 127
        for row, distance in _distances(~inside if grow > 0 else inside, inner[1] - outer[1], inner[3] - outer[1]):
            band = result[outer[1] + row : outer[1] + row + len(distance), outer[0] : outer[2]]
            if grow > 0:
                np.maximum(band, ((grow + 0.5 - distance) * 255).clip(0, 255).astype(np.uint8), out=band)
            else:
                np.minimum(band, ((distance + grow + 0.5) * 255).clip(0, 255).astype(np.uint8), out=band)
    return result


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


def _distances(away: NDArray[np.bool_], first: int, last: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Return the distance, px, of each place from the nearest one that is not `away`, for rows first to last in parts.

    The Euclidean distance transform of scipy; it gives the nearest places alone, in a sixth of the memory.
    """
    if away.all():
        return
    nearest = ndimage.distance_transform_edt(away, return_distances=False, return_indices=True)
    columns = np.arange(away.shape[1], dtype=np.float32)
    for row in range(first, last, _ROWS):
        end = min(row + _ROWS, last)
        down = nearest[0, row:end] - np.arange(row, end, dtype=np.float32)[:, None]
        yield row, np.hypot(down, nearest[1, row:end] - columns).astype(np.float32, copy=False)


def _bands(window: Box, reach: int, alpha: Plane) -> Iterator[tuple[Box, Box]]:
    """Return the window in bands of rows, and each band with as many rows around it as its distances reach."""
    rows = max(_ROWS, 2 * reach)
    for top in range(window[1], window[3], rows):
        bottom = min(top + rows, window[3])
        yield (
            (window[0], top, window[2], bottom),
            (window[0], max(top - reach, 0), window[2], min(bottom + reach, alpha.shape[0])),
        )


def _widened(box: Box, room: int, alpha: Plane) -> Box:
    height, width = alpha.shape
    return max(box[0] - room, 0), max(box[1] - room, 0), min(box[2] + room, width), min(box[3] + room, height)


def _part(plane: Plane, box: Box) -> Plane:
    return plane[box[1] : box[3], box[0] : box[2]]
