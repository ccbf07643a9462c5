"""What stands behind a cut-out when it is a picture: the photo itself, blurred, or another one.

Owns the blur and the fitting of the other picture. Leaves the mixing with the cut-out to `cutout`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps

from objectcut import photo as photos
from objectcut.errors import CutError
from objectcut.matte import Box
from objectcut.photo import Photo
from objectcut.settings import Settings

# What is kept counts so little beside the background that no eye sees it there, and where there is no background for
# far around, it is all there is: a plain blur.
_FLOOR = 1e-3
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


def covering(picture: Photo, width: int, height: int) -> Image.Image:
    """The picture made to fill this size, px: centred, its overflow cropped. RGB, or RGBA when it has transparency."""
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)


def blurred(photo: Photo, kept: NDArray[np.uint8], radius: float, window: Box) -> NDArray[np.uint8]:
    """A window of the photo, blurred without what is kept, so that no halo of it shows around it.

    Normalised convolution (Knutsson and Westin 1993): the blur of colour times weight, divided by the blur of the
    weight, which is 0 where the photo is kept or transparent. Blurred at a smaller size, where detail finer than the
    blur would be lost anyhow.

    Args:
        photo: the upright photo.
        kept: (H, W) uint8, 255 where the photo stays sharp.
        radius: standard deviation of the Gaussian, px of the photo, as in CSS; below 1 it is 1.
        window: x0, y0, x1, y1 in px, inside the photo.

    Returns:
        (h, w, 3) uint8 of the window's size.
    """
    radius = max(radius, 1)
    cell = max(2, int(radius))  # px of the photo that become one; all its pixels as floats would be too many
    region = _around(window, math.ceil(_REACH * radius), cell, photo)
    x0, y0, x1, y1 = region
    pixels, inside = photo.pixels[y0:y1, x0:x1], Image.fromarray(255 - kept[y0:y1, x0:x1])
    own = None if photo.alpha is None else Image.fromarray(photo.alpha[y0:y1, x0:x1])
    background = _cells(pixels, inside if own is None else ImageChops.multiply(inside, own), cell)
    everything = _cells(pixels, own, cell)
    # The mean of a cell is a part of the blur already.
    deviation = math.sqrt((radius / cell) ** 2 - (1 - 1 / cell**2) / 12)
    planes = _gaussian(background + np.float32(_FLOOR) * everything, deviation)
    colour = planes[:3] * (255 / np.maximum(planes[3], 1e-6))
    small = Image.fromarray(np.ascontiguousarray((colour + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)))
    box = (window[0] - x0) / cell, (window[1] - y0) / cell, (window[2] - x0) / cell, (window[3] - y0) / cell
    size = window[2] - window[0], window[3] - window[1]
    return np.asarray(small.resize(size, Image.Resampling.BICUBIC, box))


def _around(window: Box, reach: int, cell: int, photo: Photo) -> Box:
    """The window with all that its blur depends on, from a whole cell to a whole cell: cropping moves no cell."""
    x0, y0 = ((side - reach) // cell * cell for side in window[:2])
    x1, y1 = (-(-(side + reach) // cell) * cell for side in window[2:])
    return max(x0, 0), max(y0, 0), min(x1, photo.width), min(y1, photo.height)


def _cells(pixels: NDArray[np.uint8], weight: Image.Image | None, cell: int) -> NDArray[np.float32]:
    """(4, h, w) means over square cells: colour times weight, and the weight itself, 0 to 255; None is full weight."""
    image = Image.fromarray(pixels)
    if weight is not None:
        image.putalpha(weight)
    means: NDArray[np.float32] = np.asarray(image.convert("RGBa").reduce(cell), np.float32).transpose(2, 0, 1).copy()
    return means


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
