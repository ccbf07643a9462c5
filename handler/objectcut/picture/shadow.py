"""The shadow below a cut-out: one that falls on what is behind, or one on the ground that it stands on.

Drawn in cells of some px, where detail finer than its blur would be lost anyhow: time and memory do not depend on how
soft it is. The page draws the same shadow, number by number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from objectcut.edges.matte import bounding_box
from objectcut.instance import Box
from objectcut.picture.plane import Part, moved

_ROWS = 512  # of the photo that are processed at once, about
_FINE = 4  # cells per standard deviation of the blur, at least
_BOXES = 3 * math.sqrt(2 * math.pi) / 4  # side of the three box blurs, per standard deviation, of a Gaussian
Kind = Literal["drop", "contact"]


@dataclass(frozen=True)
class _Look:
    """How a shadow looks. Lengths are shares of the longer side of the cut-out.

    Attributes:
        right, down: how far it is moved.
        deviation: of its blur.
        strength: share of the alpha that it keeps.
        band: share of the height, from below, that throws it.
        squeezed: how many rows of that become one.
    """

    right: float
    down: float
    deviation: float
    strength: float
    band: float = 1.0
    squeezed: int = 1


_LOOKS: Mapping[Kind, _Look] = MappingProxyType(
    {
        "drop": _Look(right=0.012, down=0.030, deviation=0.025, strength=0.45),
        "contact": _Look(right=0, down=0.004, deviation=0.018, strength=0.70, band=0.20, squeezed=3),
    }
)


@dataclass(frozen=True, eq=False)
class Shadow:
    """A black shadow.

    Attributes:
        cells: (h, w) uint8, its alpha.
        side: px of the photo that a cell is wide and high.
        corner: x, y of the upper left corner of the first cell, px of the photo.
        box: around all that it darkens, px of the photo; None where it darkens nothing.
    """

    cells: NDArray[np.uint8]
    side: int
    corner: tuple[int, int]
    box: Box | None

    def picture(self, box: Box) -> Image.Image:
        """Return a box in px of the photo, mode RGBA."""
        (x, y), (rows, columns) = self.corner, self.cells.shape
        alpha = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        inner = max(box[0], x), max(box[1], y), min(box[2], x + columns * self.side), min(box[3], y + rows * self.side)
        if inner[0] < inner[2] and inner[1] < inner[3]:
            seen = tuple((edge - start) / self.side for edge, start in zip(inner, (x, y, x, y), strict=True))
            size = inner[2] - inner[0], inner[3] - inner[1]
            drawn = Image.fromarray(self.cells).resize(size, Image.Resampling.BILINEAR, seen)
            alpha.paste(drawn, (inner[0] - box[0], inner[1] - box[1]))
        picture = Image.new("RGBA", alpha.size)
        picture.putalpha(alpha)
        return picture


def thrown(kind: Kind, alpha: Part, box: Box) -> Shadow:
    """Return the shadow of what has an alpha.

    Args:
        kind: what it falls on.
        alpha: gives a box in px of the photo, (h, w) uint8.
        box: around everything that is not zero in it.
    """
    look = _LOOKS[kind]
    x0, y0, x1, y1 = box
    length = max(x1 - x0, y1 - y0)
    deviation = look.deviation * length
    side = max(1, math.floor(deviation / _FINE))
    high = side * look.squeezed
    band = max(1, math.floor(look.band * (y1 - y0) + 0.5))
    columns, rows = -(-(x1 - x0) // side), -(-band // high)
    top, upper = (y0, y0) if kind == "drop" else (y1 - rows * high, y1 - rows * side)
    blur = math.floor(deviation / side * _BOXES + 0.5)
    room = 2 * blur
    cells = np.zeros((rows + 2 * room, columns + 2 * room), np.float32)
    step = max(1, _ROWS // high)
    for row in range(0, rows, step):
        first, last = top + row * high, top + min(row + step, rows) * high
        seen = alpha((x0, first, x0 + columns * side, last))
        if first < y1 - band:
            seen = seen.copy()
            seen[: y1 - band - first] = 0
        means = np.asarray(Image.fromarray(seen).reduce((side, high)))
        cells[room + row : room + row + len(means), room : room + columns] = means
    shown = (_blurred(cells, blur) * look.strength + 0.5).astype(np.uint8)
    corner = (
        x0 + math.floor(look.right * length + 0.5) - room * side,
        upper + math.floor(look.down * length + 0.5) - room * side,
    )
    dark = bounding_box(shown)
    if dark is not None:
        left, upper, right, lower = (side * edge for edge in dark)
        dark = moved((left, upper, right, lower), *corner)
    return Shadow(shown, side, corner, dark)


def _blurred(cells: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the cells after three box blurs (W3C, Filter Effects, feGaussianBlur); beyond them is nothing."""
    if size < 2:
        return cells
    # Of an even size, the first reaches farther to one side and the second to the other.
    boxes = [(size, 0)] * 3 if size % 2 else [(size, 0), (size, -1), (size + 1, 0)]
    for axis in (0, 1):
        for length, shift in boxes:
            cells = ndimage.uniform_filter1d(cells, length, axis, mode="constant", origin=shift)
    return cells
