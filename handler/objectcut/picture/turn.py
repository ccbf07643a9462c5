"""A cut-out that is turned about the centre of its box.

Bilinear, on premultiplied colour: around the cut-out all is transparent, so its outer edge is smooth and no colour of
what is hidden runs into it. By multiples of 90 degrees pixels are moved and stay as they are. Made in tiles, so that
beside what is asked for there is never more than some of them in memory. The page turns cut-outs by the same rule.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from objectcut.edges.matte import bounding_box
from objectcut.errors import CutError
from objectcut.instance import Box
from objectcut.picture.plane import Part, Plane, moved, take
from objectcut.worker.spread import Spread, do_all

_TILE = 512  # px of a side that is turned at once: what a tile shows lies in a square half as large again


@dataclass(frozen=True)
class Turn:
    """A turn of the plane.

    Attributes:
        box: around the cut-out, px of the photo.
        degrees: clockwise.
    """

    box: Box
    degrees: float

    @property
    def limits(self) -> Box:
        """The box that holds the turned cut-out, px of the photo."""
        x0, y0, x1, y1 = self.box
        width, height = x1 - x0, y1 - y0
        if self._quarters in {0, 2}:
            return self.box
        if self._quarters is not None:  # whole px go to whole px, half a px beside the centre perhaps
            left, top = x0 + (width - height) // 2, y0 + (height - width) // 2
            return left, top, left + height, top + width
        (x, y), (cos, sin) = self._centre, map(abs, self._direction)
        right, lower = ((width + 1) * cos + (height + 1) * sin) / 2, ((width + 1) * sin + (height + 1) * cos) / 2
        return math.floor(x - right), math.floor(y - lower), math.ceil(x + right), math.ceil(y + lower)

    def alpha(self, source: Part, most: int, spread: Spread = map) -> tuple[Part, Box] | None:
        """Return the turned alpha and the box around it; None when nothing is left of it.

        Args:
            source: gives the alpha as it was.
            most: px that it may take.
            spread: distributes strips of it over cores.

        Raises:
            CutError: `image_too_large`.
        """
        x0, y0, x1, y1 = self.limits
        width, height = x1 - x0, y1 - y0
        if width * height > most:
            raise CutError(
                "image_too_large",
                f"Turned by {self.degrees:g} degrees the cut-out takes {width} x {height} pixels; at most "
                f"{most / 1e6:g} megapixels are made. Send a smaller photo.",
                details={"field": "rotate", "width": width, "height": height, "max_pixels": most},
            )
        plane = np.empty((height, width), np.uint8)

        def fill(top: int) -> None:
            bottom = min(top + _TILE, y1)
            plane[top - y0 : bottom - y0] = self.part(source, (), (x0, top, x1, bottom))

        do_all(spread, fill, range(y0, y1, _TILE))
        box = bounding_box(plane)
        return None if box is None else (lambda wanted: take(plane, moved(wanted, -x0, -y0)), moved(box, x0, y0))

    def part(self, source: Part, channels: tuple[int, ...], box: Box) -> Plane:
        """Return a box of the turned plane, in px of the photo.

        Args:
            source: gives the plane as it was.
            channels: `(4,)` where that is straight RGBA, `()` for alpha alone.
            box: what is wanted.
        """
        result = np.zeros((box[3] - box[1], box[2] - box[0], *channels), np.uint8)
        x0, y0, x1, y1 = self.limits
        left, top, right, bottom = max(box[0], x0), max(box[1], y0), min(box[2], x1), min(box[3], y1)
        for upper, first in itertools.product(range(top, bottom, _TILE), range(left, right, _TILE)):
            tile = first, upper, min(first + _TILE, right), min(upper + _TILE, bottom)
            turned = self._moved(source, tile) if self._quarters is not None else self._resampled(source, tile)
            if turned is not None:
                result[tile[1] - box[1] : tile[3] - box[1], tile[0] - box[0] : tile[2] - box[0]] = turned
        return result

    def _moved(self, source: Part, tile: Box) -> Plane:
        """Return a tile of what is turned by a multiple of 90 degrees."""
        x0, y0, x1, y1 = self.box
        left, top, right, bottom = (side - self.limits[at % 2] for at, side in enumerate(tile))
        quarters = self._quarters or 0
        came_from = (
            (x0 + left, y0 + top, x0 + right, y0 + bottom),
            (x0 + top, y1 - right, x0 + bottom, y1 - left),
            (x1 - right, y1 - bottom, x1 - left, y1 - top),
            (x1 - bottom, y0 + left, x1 - top, y0 + right),
        )[quarters]
        return np.rot90(source(came_from), -quarters)

    def _resampled(self, source: Part, tile: Box) -> Plane | None:
        """Return a tile of what is turned by another angle; None where nothing is."""
        width, height = tile[2] - tile[0], tile[3] - tile[1]
        (x, y), (cos, sin) = self._centre, self._direction
        right, down = tile[0] - x, tile[1] - y
        left, top = cos * right + sin * down + x, cos * down - sin * right + y  # where the tile came from
        across = left, left + cos * width, left + sin * height, left + cos * width + sin * height  # and each corner
        along = top, top - sin * width, top + cos * height, top - sin * width + cos * height
        region = (  # with a px around it; beyond the cut-out a px is enough, which is transparent
            max(math.floor(min(across)) - 1, self.box[0] - 1),
            max(math.floor(min(along)) - 1, self.box[1] - 1),
            min(math.ceil(max(across)) + 1, self.box[2] + 1),
            min(math.ceil(max(along)) + 1, self.box[3] + 1),
        )
        if region[0] >= region[2] or region[1] >= region[3]:
            return None
        image = Image.fromarray(source(region))
        premultiplied = image.convert("RGBa") if image.mode == "RGBA" else image
        back = cos, sin, left - region[0], -sin, cos, top - region[1]
        size, bilinear = (width, height), Image.Resampling.BILINEAR
        return np.asarray(premultiplied.transform(size, Image.Transform.AFFINE, back, bilinear).convert(image.mode))

    @property
    def _quarters(self) -> int | None:
        """How often it is turned by 90 degrees, 0 to 3; None for other angles."""
        return round(self.degrees / 90) % 4 if self.degrees % 90 == 0 else None

    @property
    def _centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def _direction(self) -> tuple[float, float]:
        """Cosine and sine of the angle."""
        angle = self.degrees * math.pi / 180
        return math.cos(angle), math.sin(angle)
