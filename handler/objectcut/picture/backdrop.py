"""What stands behind a cut-out when it is a picture: the photo itself, blurred, or another one.

Owns the blur and the fitting of the other picture. Leaves the mixing with the cut-out to `cutout`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from objectcut.errors import CutError
from objectcut.instance import Box
from objectcut.photo import decode as photos
from objectcut.photo.decode import Photo
from objectcut.settings import Settings

# What is kept counts so little beside the background that no eye sees it there, and where there is no background for
# far around, it is all there is: a plain blur.
_FLOOR = 1e-3
_BICUBIC = 2  # px of the larger scale that the filter reaches
_ROWS = 256  # of the photo that are processed at once, about
_REACH = 3  # standard deviations after which a Gaussian is cut off


def load(data: bytes, settings: Settings) -> Photo:
    """Decode the picture of `background_image`, with the limits of a photo.

    Raises:
        CutError: as `photo.load`, naming the field.
    """
    try:
        return photos.load(data, settings)
    except CutError as error:
        details = {"field": "background_image", **error.details}
        raise CutError(error.code, f"'background_image': {error.message}", details=details) from error


def covering(picture: Photo, size: tuple[int, int], top: int, bottom: int) -> Image.Image:
    """Rows of the picture made to fill a size: centred, its overflow cropped.

    Args:
        picture: of any size.
        size: width and height that are filled, px.
        top, bottom: the first of the rows and that after the last.

    Returns:
        Mode RGB, or RGBA when the picture has transparency.
    """
    scale = min(picture.width / size[0], picture.height / size[1])
    left, upper = (picture.width - size[0] * scale) / 2, (picture.height - size[1] * scale) / 2
    first, last = upper + top * scale, upper + bottom * scale
    reach = _BICUBIC * max(scale, 1) + 1
    low, high = max(math.floor(first - reach), 0), min(math.ceil(last + reach), picture.height)
    image = Image.fromarray(picture.pixels[low:high])
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha[low:high]))
    box = (
        max(left, 0),
        max(first - low, 0),
        min(left + size[0] * scale, picture.width),
        min(last - low, high - low),
    )
    return image.resize((size[0], bottom - top), Image.Resampling.BICUBIC, box)


class Blurred:
    """The photo, blurred without what is kept, so that no halo of it shows around it.

    Normalised convolution (Knutsson and Westin 1993): the blur of colour times weight, divided by the blur of the
    weight, which is 0 where the photo is kept or transparent. Blurred at a smaller size, where detail finer than the
    blur would be lost anyhow, in blocks of rows that are kept for as long as windows of them are asked for.

    Args:
        photo: the upright photo.
        kept: (H, W) uint8, 255 where the photo stays sharp.
        radius: standard deviation of the Gaussian, px of the photo, as in CSS; below 1 it is 1.
    """

    def __init__(self, photo: Photo, kept: NDArray[np.uint8], radius: float) -> None:
        self._photo, self._kept, self._radius = photo, kept, max(radius, 1)
        self._cell = max(2, int(self._radius))  # px that become one; all pixels as floats would be too many
        self._block: Box = 0, 0, 0, 0
        self._corner = 0, 0
        self._small = Image.new("RGB", (1, 1))

    def window(self, window: Box) -> Image.Image:
        """Return a window of it, mode RGB.

        Args:
            window: x0, y0, x1, y1 in px, inside the photo.
        """
        x0, y0, x1, y1 = window
        left, top, right, bottom = self._block
        if not (left <= x0 and top <= y0 and x1 <= right and y1 <= bottom):
            # A block is worth what lies around it: the blur reaches beyond it.
            rows = max(_ROWS, math.ceil(2 * _REACH * self._radius))
            self._draw((x0, y0, x1, min(max(y1, y0 + rows), self._photo.height)))
        (left, top), cell = self._corner, self._cell
        box = (x0 - left) / cell, (y0 - top) / cell, (x1 - left) / cell, (y1 - top) / cell
        return self._small.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box)

    def _draw(self, block: Box) -> None:
        cell, radius = self._cell, self._radius
        # Some cells more than the blur reaches: what is cut off there must not be seen where blocks meet.
        region = _around(block, math.ceil(_REACH * radius) + 3 * cell, cell, self._photo)
        background, everything = _cells(self._photo, self._kept, region, cell), _cells(self._photo, None, region, cell)
        # The mean of a cell is a part of the blur already.
        deviation = math.sqrt((radius / cell) ** 2 - (1 - 1 / cell**2) / 12)
        planes = _gaussian(background + np.float32(_FLOOR) * everything, deviation)
        colour = planes[:3] * (255 / np.maximum(planes[3], 1e-6))
        small = np.ascontiguousarray((colour + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
        self._block, self._corner, self._small = block, region[:2], Image.fromarray(small)


def _around(window: Box, reach: int, cell: int, photo: Photo) -> Box:
    """Return the window with all that its blur depends on, in whole cells: cropping moves no cell."""

    def down(side: int) -> int:
        return (side - reach) // cell * cell

    def up(side: int) -> int:
        return math.ceil((side + reach) / cell) * cell

    x0, y0, x1, y1 = window
    return max(down(x0), 0), max(down(y0), 0), min(up(x1), photo.width), min(up(y1), photo.height)


def _cells(photo: Photo, kept: NDArray[np.uint8] | None, region: Box, cell: int) -> NDArray[np.float32]:
    """(4, h, w) means over the square cells of a region: colour times weight, and the weight itself, 0 to 255.

    The weight is the photo's own alpha, and 0 where something is kept.
    """
    x0, y0, x1, y1 = region
    rows, means = cell * -(-_ROWS // cell), []
    for top in range(y0, y1, rows):
        part = slice(top, min(top + rows, y1)), slice(x0, x1)
        image = Image.fromarray(photo.pixels[part])
        own = None if photo.alpha is None else Image.fromarray(photo.alpha[part])
        rest = None if kept is None else Image.fromarray(255 - kept[part])
        weights = [weight for weight in (own, rest) if weight is not None]
        if weights:
            image.putalpha(ImageChops.multiply(weights[0], weights[-1]) if len(weights) == 2 else weights[0])
        means.append(np.asarray(image.convert("RGBa").reduce(cell), np.float32).transpose(2, 0, 1))
    return np.concatenate(means, 1)


def _gaussian(planes: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    """(C, h, w) blurred; beyond the edge the last row or column goes on. In floats: small weights are divided by."""
    reach = math.ceil(_REACH * deviation)
    bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    taps: NDArray[np.float32] = (bell / bell.sum()).astype(np.float32)
    for axis in (1, 2):
        room = [(0, 0), (0, 0), (0, 0)]
        room[axis] = reach, reach
        padded = np.pad(planes, room, mode="edge")
        length, planes, part = planes.shape[axis], np.zeros_like(planes), np.empty_like(planes)
        for shift, tap in enumerate(taps):
            seen = slice(shift, shift + length)
            np.multiply(padded[:, seen] if axis == 1 else padded[:, :, seen], tap, out=part)
            planes += part
    return planes
