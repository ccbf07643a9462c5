"""From photo and alpha to the picture that was asked for.

Owns inversion, and the laying of cut-out, outline, shadow and background on each other. Colour is zero wherever alpha
is zero, so nothing of the hidden background leaves the server. The picture is made in strips of rows, so that beside
photo, alpha, outline and result there is never more than a strip in memory. Leaves to `frame` what of it is shown, to
`adjust` what a request does to the alpha, to `turn` its turning, to `outline` and `shadow` the drawing of these, and to
`backdrop` the making of a blurred or another picture behind the cut-out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageChops

from objectcut.edges import foreground
from objectcut.edges.foreground import Colours
from objectcut.edges.matte import bounding_box
from objectcut.instance import Box
from objectcut.photo.decode import Photo
from objectcut.picture.adjust import adjusted
from objectcut.picture.backdrop import Blurred, covering
from objectcut.picture.frame import Frame, framed
from objectcut.picture.outline import Outline, outlined
from objectcut.picture.plane import Part, Plane, joined, take
from objectcut.picture.shadow import Shadow, thrown
from objectcut.picture.turn import Turn
from objectcut.request.options import CutOptions
from objectcut.worker.spread import Spread, do_all

_STRIP = 512  # rows of the photo that are processed at once, about
_LANCZOS = 3  # rows of the result that a row of the photo reaches, each way
_MOST_TURNED = 4  # times as many px as a picture may have: what is turned takes room that is empty


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
        max_pixels: largest picture that a margin or a canvas may lead to; one as large as the photo always may be.
        spread: distributes strips of the picture over cores.

    Raises:
        CutError: `image_too_large` for a margin or a turn that makes the picture larger than `max_pixels`,
            `invalid_request` for a margin that leaves no room on a canvas.
    """
    kept = adjusted(drawn, options)
    if options.invert:
        kept = 255 - kept
    alpha = kept if photo.alpha is None else np.minimum(kept, photo.alpha)
    box = bounding_box(alpha)
    if box is None:
        return None
    shown: Part
    shown, around = partial(take, alpha), box
    turn = Turn(box, options.rotate) if options.rotate else None
    if turn is not None:
        turned = turn.alpha(shown, _MOST_TURNED * max(max_pixels, photo.width * photo.height), spread)
        if turned is None:
            return None
        shown, around = turned
    below, placed, extent = _below(shown, around, options)
    frame = framed(placed, extent, (photo.width, photo.height), options, max_pixels)
    if options.output == "mask":
        return Cutout(_mask(shown, frame, around, spread), box)
    # From the alpha as it was drawn: one that was widened or softened would tell wrong shares of the background.
    colours = None
    if options.edges != "raw":
        colours = foreground.estimate(photo.pixels, 255 - drawn if options.invert else drawn)
    radius = options.blur_px(photo.width, photo.height)
    whole = 0, 0, photo.width, photo.height
    part: Part
    if radius is None:
        straight = partial(_straight, photo.pixels, alpha, colours)
        part, opaque = partial(_straight_part, partial(turn.part, straight, (4,)) if turn else straight, below), False
    else:
        part = partial(_blurred_part, photo, colours, kept, Blurred(photo, kept, radius), below)
        opaque = photo.alpha is None and joined(whole, frame.limits) == whole
        extent = joined(extent, whole)
    behind = _behind(options, backdrop, frame.size) if options.output == "image" else None
    opaque = opaque or (behind is not None and behind[1])
    pixels = np.zeros((*frame.size[::-1], 3 if opaque else 4), np.uint8)
    _compose(pixels, _Scaled(part, frame, extent), None if behind is None else behind[0], spread)
    return Cutout(pixels, box)


def uncut(photo: Photo, max_size: int | None, spread: Spread = map) -> Cutout:
    """Return the photo itself, zero in every channel where its own alpha is.

    Args:
        photo: the upright photo.
        max_size: longest side of the picture, px; None for the photo's own size.
        spread: distributes strips of the picture over cores.
    """
    size = photo.width, photo.height
    whole: Box = 0, 0, *size
    frame = framed(whole, whole, size, CutOptions(max_size=max_size), photo.width * photo.height)
    alpha = np.full(photo.pixels.shape[:2], 255, np.uint8) if photo.alpha is None else photo.alpha
    pixels = np.zeros((*frame.size[::-1], 3 if photo.alpha is None else 4), np.uint8)
    _compose(pixels, _Scaled(partial(_straight, photo.pixels, alpha, None), frame, whole), None, spread)
    return Cutout(pixels, whole)


def _below(alpha: Part, box: Box, options: CutOptions) -> tuple[list[Outline | Shadow], Box, Box]:
    """Return what lies below the cut-out, the lowest first, the box of cut-out and outline, and that of everything."""
    below: list[Outline | Shadow] = []
    drawn, placed = alpha, box
    if options.outline is not None:
        outline = outlined(alpha, box, options.outline_px(), options.outline_rgba())
        below, placed, drawn = [outline], joined(box, outline.box), partial(_both, alpha, outline)
    if options.shadow is None:
        return below, placed, placed
    shadow = thrown(options.shadow, drawn, placed)
    return [shadow, *below], placed, joined(placed, shadow.box)


def _both(alpha: Part, outline: Outline, box: Box) -> Plane:
    """Return the alpha of cut-out and outline together, of a box in px of the photo."""
    cutout, line = Image.fromarray(alpha(box)), Image.fromarray(outline.part(box))
    return np.asarray(ImageChops.screen(cutout, line))


def _laid(base: Image.Image, below: list[Outline | Shadow], box: Box) -> None:
    """Lay what is below the cut-out on a box of what is behind it."""
    for each in below:
        base.alpha_composite(each.picture(box))


def _straight_part(straight: Part, below: list[Outline | Shadow], box: Box) -> Plane:
    """A box of the plane as RGBA, zero in every channel where alpha is zero."""
    cutout = straight(box)
    if not below:
        return cutout
    picture = Image.new("RGBA", (box[2] - box[0], box[3] - box[1]))
    _laid(picture, below, box)
    picture.alpha_composite(Image.fromarray(cutout))
    return _cleared(np.array(picture))


def _straight(pixels: Plane, alpha: Plane, colours: Colours | None, window: Box) -> Plane:
    """A box of the cut-out alone, likewise."""
    inner, alpha = take(pixels, window), take(alpha, window)
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
    photo: Photo, colours: Colours | None, kept: Plane, blurred: Blurred, below: list[Outline | Shadow], box: Box
) -> Plane:
    """A box of the plane with all blurred that is not kept, as RGBA.

    Beyond the photo there is nothing to blur: a margin stays transparent.

    Args:
        colours: of what is kept, along its edge; the photo's own would be half background there.
        blurred: the photo.
    """
    picture = Image.new("RGBA", (box[2] - box[0], box[3] - box[1]))
    inner = max(box[0], 0), max(box[1], 0), min(box[2], photo.width), min(box[3], photo.height)
    if inner[0] >= inner[2] or inner[1] >= inner[3]:
        _laid(picture, below, box)
        return np.array(picture)
    behind = blurred.window(inner)
    sharp = take(photo.pixels, inner).copy()
    if colours is not None:
        colours.paint(sharp, inner[0], inner[1])
    cutout, mask = Image.fromarray(sharp), Image.fromarray(take(kept, inner))
    for each in (behind, cutout):
        each.putalpha(255 if photo.alpha is None else Image.fromarray(take(photo.alpha, inner)))
    corner = inner[0] - box[0], inner[1] - box[1]
    picture.paste(behind, corner)
    _laid(picture, below, box)
    picture.paste(cutout, corner, mask)
    return _cleared(np.array(picture))


def _mask(alpha: Part, frame: Frame, box: Box, spread: Spread) -> Plane:
    """Return what is kept of the picture, (h, w) uint8."""
    if frame.window is not None:
        return alpha(frame.window)
    mask = np.zeros(frame.size[::-1], np.uint8)
    _compose(mask, _Scaled(alpha, frame, box), None, spread)
    return mask


class _Scaled:
    """The cut-out at its own size, by strips of rows, without what is transparent around it.

    Args:
        part: gives parts of it, at the photo's size.
        frame: what the picture shows of it.
        shown: the box in which something is, px of the photo.

    Attributes:
        left, right: the columns of the picture between which something is.
        step: rows of the picture that are worth being made at once.
    """

    def __init__(self, part: Part, frame: Frame, shown: Box) -> None:
        self._part, self._frame, self._rows = part, frame, (shown[1], shown[3])
        self._reach = [0.0 if frame.window else _LANCZOS * max(scale, 1) for scale in frame.scale]
        (x, _), (across, down), reach = frame.corner, frame.scale, self._reach[0]
        self.left = max(math.floor((shown[0] - reach - x) / across), 0)
        self.right = min(math.ceil((shown[2] + reach - x) / across), frame.size[0])
        self.step = max(1, round(_STRIP / max(down, 1)))

    def rows(self, top: int, bottom: int) -> Plane | None:
        """Return rows of the picture from `left` to `right`, as parts are; None where nothing is shown."""
        (left, right), (x0, x1) = self._seen(0, self.left, self.right)
        (upper, lower), (y0, y1) = self._seen(1, top, bottom)
        if y1 <= self._rows[0] or y0 >= self._rows[1] or self.right <= self.left:
            return None
        part = self._part((x0, y0, x1, y1))
        if self._frame.window:
            return part
        # Pillow resizes RGBA with premultiplied colour, so the zeros outside do not darken the edge.
        box = left - x0, upper - y0, min(right, x1) - x0, min(lower, y1) - y0
        small = Image.fromarray(part).resize((self.right - self.left, bottom - top), Image.Resampling.LANCZOS, box)
        # The filter's overshoot leaves colour where nothing is.
        return np.asarray(small) if part.ndim == 2 else _cleared(np.array(small))

    def _seen(self, axis: int, first: int, last: int) -> tuple[tuple[float, float], tuple[int, int]]:
        """Return where a span of the picture lies in the photo, and all px that it depends on."""
        corner, scale, reach = self._frame.corner[axis], self._frame.scale[axis], self._reach[axis]
        low, high = corner + first * scale, corner + last * scale
        limits = self._frame.limits
        least, most = (limits[axis], limits[axis + 2]) if limits else (-math.inf, math.inf)
        return (low, high), (math.floor(max(low - reach, least)), math.ceil(min(high + reach, most)))


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


def _compose(pixels: Plane, scaled: _Scaled, behind: Callable[[int, int], Image.Image] | None, spread: Spread) -> None:
    """Fill the picture, strip by strip."""
    height, channels = pixels.shape[0], pixels.shape[2:]
    shown = slice(scaled.left, scaled.right)

    def fill(top: int) -> None:
        strip = pixels[top : top + scaled.step]
        rows = scaled.rows(top, top + len(strip))
        if behind is None:
            if rows is not None:
                strip[:, shown] = rows[..., : channels[0]] if channels else rows
            return
        base = behind(top, top + len(strip)).convert("RGB" if channels == (3,) else "RGBA")
        if rows is not None:
            front = Image.fromarray(rows)
            if channels == (3,):
                base.paste(front.convert("RGB"), (scaled.left, 0), front.getchannel("A"))
            else:
                base.alpha_composite(front, (scaled.left, 0))
        strip[:] = np.asarray(base)
        if channels == (4,):
            _cleared(strip)

    do_all(spread, fill, range(0, height, scaled.step))
