"""Boxes of a plane without borders, of which an array holds what lies in the photo; the rest is zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from objectcut.instance import Box

Plane = NDArray[np.uint8]
Part = Callable[[Box], Plane]
"""From a box in px of the photo, which may reach beyond it, to its pixels, (h, w, 4) or, for a mask, (h, w) uint8."""


def take(plane: Plane, box: Box) -> Plane:
    """Return a box of (H, W) or (H, W, C), zero beyond it; a view where that is possible."""
    x0, y0, x1, y1 = box
    inner = plane[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if inner.shape[:2] == (y1 - y0, x1 - x0):
        return inner
    taken = np.zeros((y1 - y0, x1 - x0, *plane.shape[2:]), plane.dtype)
    top, left = max(-y0, 0), max(-x0, 0)
    taken[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return taken


def moved(box: Box, x: int, y: int) -> Box:
    """Return the box, moved to the right and down."""
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def joined(first: Box, second: Box | None) -> Box:
    """Return the smallest box that holds both."""
    if second is None:
        return first
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])
