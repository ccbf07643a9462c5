"""From photo and alpha to the picture that was asked for.

Owns inversion, trimming, size and background, in this order: what will be thrown away is not worked on. Colour is
zero wherever alpha is zero, so nothing of the hidden background leaves the server. Leaves the making of a blurred or
another picture behind the cut-out to `backdrop`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut import foreground
from objectcut.backdrop import blurred, covering
from objectcut.errors import CutError
from objectcut.foreground import Colours
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


def cut(photo: Photo, alpha: NDArray[np.uint8], options: CutOptions, backdrop: Photo | None = None) -> Cutout | None:
    """The cut-out, or None when nothing of the photo is left.

    Args:
        photo: the upright photo.
        alpha: (H, W) uint8, 255 where the wanted objects are.
        options: of the request.
        backdrop: another picture that fills the room behind the cut-out.

    Raises:
        CutError: `image_too_large` for a margin that makes the picture far larger than any photo.
    """
    kept = 255 - alpha if options.invert else alpha
    alpha = kept if photo.alpha is None else np.minimum(kept, photo.alpha)
    box = bounding_box(alpha)
    if box is None:
        return None
    window = _window(box, photo, options)
    if options.output == "mask":
        image = Image.fromarray(_take(alpha, window))
    else:
        colours = None if options.edges == "raw" else foreground.estimate(photo.pixels, kept)
        if (radius := options.blur_px(photo.width, photo.height)) is not None:
            image = _before_blur(photo, colours, kept, radius, window)
        else:
            image = Image.fromarray(_straight(photo.pixels, alpha, colours, window))
    image = _fit(image, options.max_size)
    if options.output == "image":
        image = _on_background(image, options.background_rgba(), backdrop)
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
            details={"field": "margin", "width": width, "height": height},
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


def _straight(
    pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], colours: Colours | None, window: Box
) -> NDArray[np.uint8]:
    """The window of (H, W, 3) and (H, W) as (h, w, 4) RGBA, zero in every channel where alpha is zero."""
    inner, alpha = _take(pixels, window), _take(alpha, window)
    straight = np.empty((*alpha.shape, 4), np.uint8)
    for channel in range(3):  # one by one is several times as fast as `straight[..., :3] = inner`
        straight[..., channel] = inner[..., channel]
    straight[..., 3] = alpha
    if colours is not None:
        colours.paint(straight, window[0], window[1])
    whole_pixels = straight.view(np.uint32)[..., 0]
    whole_pixels *= alpha > 0
    return straight


def _before_blur(
    photo: Photo, colours: Colours | None, kept: NDArray[np.uint8], radius: float, window: Box
) -> Image.Image:
    """The window of the photo with all blurred that is not kept, RGB; RGBA where it is transparent or reaches beyond.

    Beyond the photo there is nothing to blur: a margin stays transparent.

    Args:
        colours: of what is kept, along its edge; the photo's own would be half background there.
    """
    inner = max(window[0], 0), max(window[1], 0), min(window[2], photo.width), min(window[3], photo.height)
    behind = Image.fromarray(blurred(photo, kept, radius, inner))
    sharp = _take(photo.pixels, inner).copy()
    if colours is not None:
        colours.paint(sharp, inner[0], inner[1])
    mixed = Image.composite(Image.fromarray(sharp), behind, Image.fromarray(_take(kept, inner)))
    if photo.alpha is None and inner == window:
        return mixed
    alpha = np.full((mixed.height, mixed.width), 255, np.uint8) if photo.alpha is None else _take(photo.alpha, inner)
    seen = window[0] - inner[0], window[1] - inner[1], window[2] - inner[0], window[3] - inner[1]
    return Image.fromarray(_straight(np.asarray(mixed), alpha, None, seen))


def _fit(image: Image.Image, max_size: int | None) -> Image.Image:
    """Shrunk so that the longer side is at most `max_size`; never enlarged."""
    longest = max(image.size)
    if max_size is None or longest <= max_size:
        return image
    size = tuple(max(1, round(side * max_size / longest)) for side in image.size)
    # Pillow resizes RGBA with premultiplied colour, so the zeros outside do not darken the edge.
    return _cleared(image.resize((size[0], size[1]), Image.Resampling.LANCZOS))


def _cleared(image: Image.Image) -> Image.Image:
    """Without the colour that a filter's overshoot, or another file, leaves where alpha is zero."""
    if image.mode == "RGBA":
        image.paste((0, 0, 0, 0), mask=image.getchannel("A").point(lambda alpha: 255 * (alpha == 0)))
    return image


def _on_background(image: Image.Image, colour: tuple[int, int, int, int], backdrop: Photo | None) -> Image.Image:
    if backdrop is not None:
        behind = _cleared(covering(backdrop, image.width, image.height))
        opaque = behind.mode == "RGB"
    elif colour[3] > 0:
        behind, opaque = Image.new("RGBA", image.size, colour), colour[3] == 255
    else:
        return image
    filled = Image.alpha_composite(behind.convert("RGBA"), image)
    return filled.convert("RGB") if opaque else filled
