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
from objectcut.worker.spread import Spread, do_all

_STRIP = 512  # rows of the photo that are processed at once, about
_LANCZOS = 3  # rows of the result that a row of the photo reaches, each way
Plane = NDArray[np.uint8]
Part = Callable[[Box], Plane]
"""From a part of the window, x0, y0, x1, y1 in px of it, to its pixels, (h, w, 4) uint8."""


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
    photo: Photo,
    drawn: Plane,
    options: CutOptions,
    backdrop: Photo | None = None,
    max_pixels: int = 25_000_000,
    spread: Spread = map,
) -> Cutout | None:
    """Return the cut-out, or None when nothing of the photo is left.

    Args:
        photo: the upright photo.
        drawn: (H, W) uint8, the alpha of the wanted objects as it was drawn.
        options: of the request.
        backdrop: another picture that fills the room behind the cut-out.
        max_pixels: largest picture that a margin may lead to; one as large as the photo always may be.
        spread: distributes strips of the picture over cores.

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
        part, opaque = partial(_straight_part, photo.pixels, alpha, colours, window), False
    else:
        inside = window[0] >= 0 and window[1] >= 0 and window[2] <= photo.width and window[3] <= photo.height
        blurred = Blurred(photo, kept, radius)
        part, opaque = partial(_blurred_part, photo, colours, kept, blurred, window), inside and photo.alpha is None
    behind = _behind(options, backdrop, size) if options.output == "image" else None
    opaque = opaque or (behind is not None and behind[1])
    pixels = np.zeros((size[1], size[0], 3 if opaque else 4), np.uint8)
    shown = _moved(window if radius is not None else box, -window[0], -window[1])
    _compose(pixels, _Shrunk(part, window, size, shown), None if behind is None else behind[0], spread)
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


def _moved(box: Box, x: int, y: int) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _straight_part(pixels: Plane, alpha: Plane, colours: Colours | None, window: Box, part: Box) -> Plane:
    """A part of the window as RGBA, zero in every channel where alpha is zero."""
    return _straight(pixels, alpha, colours, _moved(part, window[0], window[1]))


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


def _blurred_part(
    photo: Photo, colours: Colours | None, kept: Plane, blurred: Blurred, window: Box, part: Box
) -> Plane:
    """A part of the window with all blurred that is not kept, as RGBA.

    Beyond the photo there is nothing to blur: a margin stays transparent.

    Args:
        colours: of what is kept, along its edge; the photo's own would be half background there.
        blurred: the photo.
    """
    part = _moved(part, window[0], window[1])
    inner = max(part[0], 0), max(part[1], 0), min(part[2], photo.width), min(part[3], photo.height)
    if inner[0] >= inner[2] or inner[1] >= inner[3]:
        return np.zeros((part[3] - part[1], part[2] - part[0], 4), np.uint8)
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


class _Shrunk:
    """The cut-out at its own size, by strips of rows, without what is transparent around it.

    Args:
        part: gives parts of the window, at the photo's size.
        window: in px of the photo.
        size: width and height of the picture.
        shown: the part of the window in which something is.

    Attributes:
        window: likewise.
        left, right: the columns of the picture between which something is.
    """

    def __init__(self, part: Part, window: Box, size: tuple[int, int], shown: Box) -> None:
        self._part, self.window = part, window
        self._whole = window[2] - window[0], window[3] - window[1]
        self._resized = size != self._whole
        self._scale = self._whole[0] / size[0], self._whole[1] / size[1]
        self._reach = [_LANCZOS * scale if self._resized else 0.0 for scale in self._scale]
        self._rows = shown[1], shown[3]
        self.left = max(math.floor((shown[0] - self._reach[0]) / self._scale[0]), 0)
        self.right = min(math.ceil((shown[2] + self._reach[0]) / self._scale[0]), size[0])

    def rows(self, top: int, bottom: int) -> Plane | None:
        """Return rows of the picture from `left` to `right`, (n, w, 4) RGBA; None where all of them are transparent."""
        x0, x1 = self._seen(0, self.left, self.right)
        y0, y1 = self._seen(1, top, bottom)
        if y1 <= self._rows[0] or y0 >= self._rows[1]:
            return None
        if not self._resized:
            return self._part((x0, y0, x1, y1))
        exact = self.left * self._scale[0], top * self._scale[1], self.right * self._scale[0], bottom * self._scale[1]
        box = exact[0] - x0, exact[1] - y0, min(exact[2], self._whole[0]) - x0, min(exact[3], self._whole[1]) - y0
        # Pillow resizes RGBA with premultiplied colour, so the zeros outside do not darken the edge.
        image = Image.fromarray(self._part((x0, y0, x1, y1)))
        small = image.resize((self.right - self.left, bottom - top), Image.Resampling.LANCZOS, box)
        return _cleared(np.array(small))  # of the colour that the filter's overshoot leaves there

    def _seen(self, axis: int, first: int, last: int) -> tuple[int, int]:
        """Return what must be known of the window for a span of the picture."""
        low, high = first * self._scale[axis] - self._reach[axis], last * self._scale[axis] + self._reach[axis]
        return max(math.floor(low), 0), min(math.ceil(high), self._whole[axis])


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


def _compose(pixels: Plane, shrunk: _Shrunk, behind: Callable[[int, int], Image.Image] | None, spread: Spread) -> None:
    """Fill the picture, strip by strip."""
    height, channels = pixels.shape[0], pixels.shape[2]
    step = max(1, round(_STRIP * height / (shrunk.window[3] - shrunk.window[1])))

    def fill(top: int) -> None:
        strip = pixels[top : top + step]
        rows = shrunk.rows(top, min(top + step, height))
        if behind is None:
            if rows is not None:
                strip[:, shrunk.left : shrunk.right] = rows[..., :channels]
            return
        base = behind(top, top + len(strip)).convert("RGB" if channels == 3 else "RGBA")
        if rows is not None:
            front = Image.fromarray(rows)
            if channels == 3:
                base.paste(front.convert("RGB"), (shrunk.left, 0), front.getchannel("A"))
            else:
                base.alpha_composite(front, (shrunk.left, 0))
        strip[:] = np.asarray(base)
        if channels == 4:
            _cleared(strip)

    do_all(spread, fill, range(0, height, step))
