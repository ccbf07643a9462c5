"""From photo and alpha to the picture that was asked for.

Owns inversion, trimming, size and background, in this order: what will be thrown away is not worked on. Colour is
zero wherever alpha is zero, so nothing of the hidden background leaves the server.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.errors import CutError
from objectcut.matte import Box, bounding_box
from objectcut.photo import Photo
from objectcut.request import CutOptions

MAX_PIXELS = 50_000_000
"""Largest picture that a margin may lead to: twice the largest photo of the default settings."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """A finished picture.

    Attributes:
        image: mode RGBA with straight alpha, RGB when nothing of it is transparent by request, or L for a mask.
        box: of everything that is kept, x0, y0, x1, y1 in px of the upright photo, half-open.
    """

    image: Image.Image
    box: Box


def cut(photo: Photo, alpha: NDArray[np.uint8], options: CutOptions) -> Cutout | None:
    """The cut-out, or None when nothing of the photo is left.

    Args:
        photo: the upright photo.
        alpha: (H, W) uint8, 255 where the wanted objects are.
        options: of the request.

    Raises:
        CutError: `image_too_large` for a margin that makes the picture far larger than any photo.
    """
    if options.invert:
        alpha = 255 - alpha
    if photo.alpha is not None:
        alpha = np.minimum(alpha, photo.alpha)
    box = bounding_box(alpha)
    if box is None:
        return None
    window = _window(box, photo, options)
    if options.output == "mask":
        image = Image.fromarray(_take(alpha, window))
    else:
        image = Image.fromarray(_straight(_take(photo.pixels, window), _take(alpha, window)))
    image = _fit(image, options.max_size)
    if options.output == "image":
        image = _on_background(image, options.background_rgba())
    return Cutout(image, box)


def _window(box: Box, photo: Photo, options: CutOptions) -> Box:
    """The part of the plane that the picture shows. It may reach beyond the photo: a margin is a promise."""
    if not options.crop:
        return 0, 0, photo.width, photo.height
    width, height = box[2] - box[0], box[3] - box[1]
    margin = options.margin_px(width, height)
    width, height = width + 2 * margin, height + 2 * margin
    if width * height > max(MAX_PIXELS, photo.width * photo.height):
        raise CutError(
            "image_too_large",
            f"With this 'margin' the picture would have {width} x {height} pixels: send a smaller one.",
            details={"field": "margin"},
        )
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def _take(plane: NDArray[np.uint8], window: Box) -> NDArray[np.uint8]:
    """The window of (H, W) or (H, W, C), zeros where it lies outside."""
    x0, y0, x1, y1 = window
    height, width = plane.shape[:2]
    inner = plane[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    if inner.shape[:2] == (y1 - y0, x1 - x0):
        return inner
    taken = np.zeros((y1 - y0, x1 - x0, *plane.shape[2:]), plane.dtype)
    top, left = max(-y0, 0), max(-x0, 0)
    taken[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return taken


def _straight(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 4) RGBA from (H, W, 3) and (H, W), zero in every channel where alpha is zero."""
    straight = np.empty((*alpha.shape, 4), np.uint8)
    for channel in range(3):  # one by one is several times as fast as `straight[..., :3] = pixels`
        straight[..., channel] = pixels[..., channel]
    straight[..., 3] = alpha
    whole_pixels = straight.view(np.uint32)[..., 0]
    whole_pixels *= alpha > 0
    return straight


def _fit(image: Image.Image, max_size: int | None) -> Image.Image:
    """Shrunk so that the longer side is at most `max_size`; never enlarged."""
    longest = max(image.size)
    if max_size is None or longest <= max_size:
        return image
    size = tuple(max(1, round(side * max_size / longest)) for side in image.size)
    # Pillow resizes RGBA with premultiplied colour, so the zeros outside do not darken the edge.
    image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    if image.mode == "RGBA":  # the filter's overshoot leaves some colour where alpha is zero
        image.paste((0, 0, 0, 0), mask=image.getchannel("A").point(lambda alpha: 255 * (alpha == 0)))
    return image


def _on_background(image: Image.Image, colour: tuple[int, int, int, int]) -> Image.Image:
    if colour[3] == 0:
        return image
    filled = Image.alpha_composite(Image.new("RGBA", image.size, colour), image)
    return filled if colour[3] < 255 else filled.convert("RGB")
