"""From photo and alpha to the picture that was asked for.

Owns inversion, trimming, size and background, in this order: what is discarded later is not processed. Colour is
zero wherever alpha is zero, so nothing of the hidden background leaves the server. The picture is made in strips of
rows, so that beside photo, alpha and result there is never more than a strip in memory. Leaves the making of a blurred
or another picture behind the cut-out to `backdrop`, and what a request does to the alpha to `adjust`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.edges import foreground
from objectcut.edges.foreground import Colours
from objectcut.edges.matte import bounding_box
from objectcut.errors import CutError
from objectcut.instance import Box
from objectcut.photo.decode import Photo
from objectcut.picture.adjust import adjusted
from objectcut.picture.backdrop import Blurred, covering
from objectcut.request.options import CutOptions

_STRIP = 512  # rows of the photo that are processed at once, about
_LANCZOS = 3  # rows of the result that a row of the photo reaches, each way
Plane = NDArray[np.uint8]
Rows = Callable[[int, int], Plane]
"""From the first row of a picture and that after the last to these rows, (n, w, 3) or (n, w, 4) uint8."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """A finished picture.

    Attributes:
        pixels: uint8; (h, w, 4) RGBA with straight alpha, (h, w, 3) RGB when nothing of it is transparent by request,
            or (h, w) for a mask.
        box: of everything that is kept, x0, y0, x1, y1 in px of the upright photo, half-open.
    """

    pixels: Plane
    box: Box


def cut(
    photo: Photo, drawn: Plane, options: CutOptions, backdrop: Photo | None = None, max_pixels: int = 25_000_000
) -> Cutout | None:
    """Return the cut-out, or None when nothing of the photo is left.

    Args:
        photo: the upright photo.
        drawn: (H, W) uint8, the alpha of the wanted objects as it was drawn.
        options: of the request.
        backdrop: another picture that fills the room behind the cut-out.
        max_pixels: largest picture that a margin may lead to; one as large as the photo always may be.

    Raises:
        CutError: `image_too_large` for a margin that makes the picture larger than `max_pixels`.
    """
    kept = adjusted(drawn, options)
    if options.invert:
        kept = 255 - kept
    alpha = kept if photo.alpha is None else np.minimum(kept, photo.alpha)
    box = bounding_box(alpha)
    if box is None:
        return None
    window = _window(box, photo, options, max_pixels)
    size = _size(window, options.max_size)
    if options.output == "mask":
        return Cutout(_shrunk_mask(_take(alpha, window), size), box)
    # From the alpha as it was drawn: one that was widened or softened would tell wrong shares of the background.
    colours = None
    if options.edges != "raw":
        colours = foreground.estimate(photo.pixels, 255 - drawn if options.invert else drawn)
    radius = options.blur_px(photo.width, photo.height)
    if radius is None:
        rows, opaque = partial(_straight_rows, photo.pixels, alpha, colours, window), False
    else:
        inside = window[0] >= 0 and window[1] >= 0 and window[2] <= photo.width and window[3] <= photo.height
        blurred = Blurred(photo, kept, radius)
        rows, opaque = partial(_blurred_rows, photo, colours, kept, blurred, window), inside and photo.alpha is None
    behind = _behind(options, backdrop, size) if options.output == "image" else None
    opaque = opaque or (behind is not None and behind[1])
    pixels = np.zeros((size[1], size[0], 3 if opaque else 4), np.uint8)
    shown = (0, window[3] - window[1]) if radius is not None else (box[1] - window[1], box[3] - window[1])
    _compose(pixels, _shrunk_rows(rows, window, size, shown), None if behind is None else behind[0], window)
    return Cutout(pixels, box)


def _window(box: Box, photo: Photo, options: CutOptions, max_pixels: int) -> Box:
    """Return the part of the plane that the picture shows. It may reach beyond the photo: a margin is a promise."""
    if not options.crop:
        return 0, 0, photo.width, photo.height
    width, height = box[2] - box[0], box[3] - box[1]
    margin = options.margin_px(width, height)
    width, height = width + 2 * margin, height + 2 * margin
    most = max(max_pixels, photo.width * photo.height)
    if width * height > most:
        raise CutError(
            "image_too_large",
            f"With that 'margin' the picture has {width} x {height} pixels; at most {most / 1e6:g} megapixels are "
            "made. Send a smaller 'margin'.",
            details={"field": "margin", "width": width, "height": height, "max_pixels": most},
        )
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def _size(window: Box, max_size: int | None) -> tuple[int, int]:
    """Width and height of the picture: the longer side is at most `max_size`; never enlarged."""
    width, height = window[2] - window[0], window[3] - window[1]
    if max_size is None or max(width, height) <= max_size:
        return width, height
    share = max_size / max(width, height)
    return max(1, round(width * share)), max(1, round(height * share))


def _take(plane: Plane, window: Box) -> Plane:
    """Return the window of (H, W) or (H, W, C), zero beyond the plane."""
    x0, y0, x1, y1 = window
    inner = plane[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if inner.shape[:2] == (y1 - y0, x1 - x0):
        return inner
    taken = np.zeros((y1 - y0, x1 - x0, *plane.shape[2:]), plane.dtype)
    top, left = max(-y0, 0), max(-x0, 0)
    taken[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return taken


def _straight_rows(pixels: Plane, alpha: Plane, colours: Colours | None, window: Box, top: int, bottom: int) -> Plane:
    """Rows of the window as (n, w, 4) RGBA, zero in every channel where alpha is zero."""
    return _straight(pixels, alpha, colours, (window[0], window[1] + top, window[2], window[1] + bottom))


def _straight(pixels: Plane, alpha: Plane, colours: Colours | None, window: Box) -> Plane:
    inner, alpha = _take(pixels, window), _take(alpha, window)
    straight = np.empty((*alpha.shape, 4), np.uint8)
    for channel in range(3):  # one by one is several times as fast as `straight[..., :3] = inner`
        straight[..., channel] = inner[..., channel]
    straight[..., 3] = alpha
    if colours is not None:
        _paint(straight, colours, window)
    return _cleared(straight)


def _paint(picture: Plane, colours: Colours, window: Box) -> None:
    """Paint the part of a picture of the window that lies inside of the photo."""
    height, width = colours.alpha.shape
    left, top = max(-window[0], 0), max(-window[1], 0)
    right, bottom = min(window[2], width) - window[0], min(window[3], height) - window[1]
    if left < right and top < bottom:
        colours.paint(picture[top:bottom, left:right], window[0] + left, window[1] + top)


def _cleared(rgba: Plane) -> Plane:
    """Zero in every channel where alpha is zero, whatever lay there."""
    whole_pixels = rgba.view(np.uint32)[..., 0]
    whole_pixels *= rgba[..., 3] > 0
    return rgba


def _blurred_rows(
    photo: Photo, colours: Colours | None, kept: Plane, blurred: Blurred, window: Box, top: int, bottom: int
) -> Plane:
    """Rows of the window with all blurred that is not kept, (n, w, 4) RGBA.

    Beyond the photo there is nothing to blur: a margin stays transparent.

    Args:
        colours: of what is kept, along its edge; the photo's own would be half background there.
        blurred: the photo.
    """
    part = window[0], window[1] + top, window[2], window[1] + bottom
    inner = max(part[0], 0), max(part[1], 0), min(part[2], photo.width), min(part[3], photo.height)
    if inner[0] >= inner[2] or inner[1] >= inner[3]:
        return np.zeros((bottom - top, part[2] - part[0], 4), np.uint8)
    behind = blurred.window(inner)
    sharp = _take(photo.pixels, inner).copy()
    if colours is not None:
        colours.paint(sharp, inner[0], inner[1])
    mixed = np.asarray(Image.composite(Image.fromarray(sharp), behind, Image.fromarray(_take(kept, inner))))
    alpha = np.full(mixed.shape[:2], 255, np.uint8) if photo.alpha is None else _take(photo.alpha, inner)
    seen = part[0] - inner[0], part[1] - inner[1], part[2] - inner[0], part[3] - inner[1]
    return _straight(mixed, alpha, None, seen)


def _shrunk_mask(alpha: Plane, size: tuple[int, int]) -> Plane:
    if alpha.shape == size[::-1]:
        return alpha
    return np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.LANCZOS))


def _shrunk_rows(rows: Rows, window: Box, size: tuple[int, int], shown: tuple[int, int]) -> Callable[..., Plane | None]:
    """Rows of the picture at its own size; None where all of them are transparent.

    Args:
        rows: of the window, at the photo's size.
        window: in px of the photo.
        size: width and height of the picture.
        shown: the rows of the window between which something is.
    """
    width, height = window[2] - window[0], window[3] - window[1]
    scale = height / size[1]
    reach = _LANCZOS * scale if size != (width, height) else 0.0

    def shrunk(top: int, bottom: int) -> Plane | None:
        low, high = math.floor(top * scale - reach), math.ceil(bottom * scale + reach)
        if high <= shown[0] or low >= shown[1]:
            return None
        if not reach:
            return rows(top, bottom)
        low, high = max(low, 0), min(high, height)
        box = 0.0, top * scale - low, float(width), min(bottom * scale - low, float(high - low))
        # Pillow resizes RGBA with premultiplied colour, so the zeros outside do not darken the edge.
        small = Image.fromarray(rows(low, high)).resize((size[0], bottom - top), Image.Resampling.LANCZOS, box)
        return _cleared(np.array(small))  # of the colour that the filter's overshoot leaves there

    return shrunk


def _behind(
    options: CutOptions, backdrop: Photo | None, size: tuple[int, int]
) -> tuple[Callable[[int, int], Image.Image], bool] | None:
    """Rows of what stands behind the cut-out, mode RGB or RGBA, and whether it hides all; None for nothing."""
    if backdrop is not None:
        return partial(covering, backdrop, size), backdrop.alpha is None
    colour = options.background_rgba()
    if not colour[3]:
        return None
    return lambda top, bottom: Image.new("RGBA", (size[0], bottom - top), colour), colour[3] == 255


def _compose(
    pixels: Plane,
    shrunk: Callable[..., Plane | None],
    behind: Callable[[int, int], Image.Image] | None,
    window: Box,
) -> None:
    """Fill the picture, strip by strip."""
    height, channels = pixels.shape[0], pixels.shape[2]
    step = max(1, round(_STRIP * height / (window[3] - window[1])))
    for top in range(0, height, step):
        bottom = min(top + step, height)
        rows = shrunk(top, bottom)
        if behind is None:
            if rows is not None:
                pixels[top:bottom] = rows[..., :channels]
            continue
        base = behind(top, bottom)
        if channels == 3:
            base = base.convert("RGB")
            if rows is not None:
                front = Image.fromarray(rows)
                base.paste(front.convert("RGB"), mask=front.getchannel("A"))
        elif rows is not None:
            base = Image.alpha_composite(base.convert("RGBA"), Image.fromarray(rows))
        pixels[top:bottom] = np.asarray(base.convert("RGBA")) if channels == 4 else np.asarray(base)
        if channels == 4:
            _cleared(pixels[top:bottom])
