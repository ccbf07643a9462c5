"""The outline around a cut-out: a line of one colour, as wide everywhere, that lies below it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.edges.matte import bounding_box
from objectcut.instance import Box
from objectcut.picture.adjust import around
from objectcut.picture.plane import Part, moved, take


@dataclass(frozen=True, eq=False)
class Outline:
    """An outline, drawn also where the photo ends.

    Attributes:
        alpha: (h, w) uint8.
        corner: x, y of its upper left corner, px of the photo.
        colour: straight RGB, 0 to 255.
        box: around all that it shows, px of the photo; None when it shows nothing.
    """

    alpha: NDArray[np.uint8]
    corner: tuple[int, int]
    colour: tuple[int, int, int]
    box: Box | None

    def part(self, box: Box) -> NDArray[np.uint8]:
        """Return the alpha of a box in px of the photo, (h, w) uint8."""
        return take(self.alpha, moved(box, -self.corner[0], -self.corner[1]))

    def picture(self, box: Box) -> Image.Image:
        """Return a box in px of the photo, mode RGBA."""
        alpha = Image.fromarray(self.part(box))
        picture = Image.new("RGBA", alpha.size, self.colour)
        picture.putalpha(alpha)
        return picture


def outlined(alpha: Part, box: Box, width: float, colour: tuple[int, int, int, int]) -> Outline:
    """Return the outline of everything whose alpha is above 127.

    Args:
        alpha: gives a box in px of the photo, (h, w) uint8.
        box: around it, px of the photo.
        width: of the line, px of the photo.
        colour: straight RGBA, 0 to 255.
    """
    reach = math.ceil(width) + 1
    x0, y0, x1, y1 = box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach
    line = around(alpha((x0, y0, x1, y1)), width)
    if colour[3] < 255:
        line = (np.arange(256) * colour[3] / 255 + 0.5).astype(np.uint8)[line]
    shown = bounding_box(line)
    return Outline(line, (x0, y0), colour[:3], shown and moved(shown, x0, y0))
