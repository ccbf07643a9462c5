"""Which part of the plane a picture shows, and at what size: the photo, the trimmed cut-out, or a canvas around it.

Everything is drawn on a plane without borders, whose px are those of the photo. Leaves the drawing to `compose`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from objectcut.errors import CutError, wrong_field
from objectcut.instance import Box
from objectcut.request.options import MAX_SIDE, CutOptions

Size = tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """What a picture shows.

    Attributes:
        corner: x, y of its upper left corner, px of the photo; in between two on a canvas.
        scale: px of the photo per px of the picture, across and down.
        size: its width and height, px.
        limits: the box beyond which resampling sees nothing at all, px of the photo; None where it sees transparency.
    """

    corner: tuple[float, float]
    scale: tuple[float, float]
    size: Size
    limits: Box | None = None

    @property
    def window(self) -> Box | None:
        """The box that it shows, px of the photo, when it is copied px by px; None when it is resampled."""
        if self.scale != (1, 1):
            return None
        x, y = round(self.corner[0]), round(self.corner[1])
        return x, y, x + self.size[0], y + self.size[1]


def framed(box: Box, extent: Box, photo: Size, options: CutOptions, max_pixels: int) -> Frame:
    """Return what the picture shows.

    Args:
        box: of the cut-out and its outline, px of the photo.
        extent: of all that is drawn: the box, and the shadow.
        photo: width and height.
        options: `crop`, `canvas`, `scale`, `position`, `margin` and `max_size` of the request.
        max_pixels: largest picture that a margin or a canvas may lead to; one as large as the photo always may be.

    Raises:
        CutError: `image_too_large` for a margin or a turn that makes the picture larger than `max_pixels`,
            `invalid_request` for a margin that leaves no room on the canvas.
    """
    if options.canvas_field():
        return _canvas(box, photo, options, max_pixels)
    window = _trimmed(extent, photo, options, max_pixels) if options.crop else (0, 0, *photo)
    whole = window[2] - window[0], window[3] - window[1]
    size = _bounded(whole, options.max_size)
    return Frame((window[0], window[1]), (whole[0] / size[0], whole[1] / size[1]), size, window)


def _trimmed(extent: Box, photo: Size, options: CutOptions, max_pixels: int) -> Box:
    """Return the box with its margin. It may reach beyond the photo: a margin is a promise."""
    if options.background.startswith("blur"):  # beyond the photo there is nothing to blur, and no ground for a shadow
        extent = max(extent[0], 0), max(extent[1], 0), min(extent[2], photo[0]), min(extent[3], photo[1])
    width, height = extent[2] - extent[0], extent[3] - extent[1]
    margin = options.margin_px(width, height)
    width, height = width + 2 * margin, height + 2 * margin
    most = max(max_pixels, photo[0] * photo[1])
    if width * height > most:
        field, remedy = "margin", "a smaller 'margin'"
        if options.rotate and not margin:
            field, remedy = "rotate", "a 'canvas' instead of 'crop'"
        raise CutError(
            "image_too_large",
            f"With that '{field}' the picture has {width} x {height} pixels; at most {most / 1e6:g} megapixels are "
            f"made. Send {remedy}.",
            details={"field": field, "width": width, "height": height, "max_pixels": most},
        )
    return extent[0] - margin, extent[1] - margin, extent[2] + margin, extent[3] + margin


def _bounded(size: Size, max_size: int | None) -> Size:
    """Return width and height of which the longer is at most `max_size`; never enlarged."""
    if max_size is None or max(size) <= max_size:
        return size
    share = max_size / max(size)
    return max(1, _rounded(size[0] * share)), max(1, _rounded(size[1] * share))


def _canvas(box: Box, photo: Size, options: CutOptions, max_pixels: int) -> Frame:
    """Return a canvas with the box on it.

    A canvas of some px is filled as far as `scale` says. One that has a shape alone is as small as holds the box at its
    own size; where that were too large, it is filled like one of the largest size.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    smallest = _smallest((width, height), options)
    size = smallest or options.canvas_px() or photo
    if smallest:
        size = _affordable(smallest, max_pixels)
    margin = options.margin_px(*size)
    room = size[0] - 2 * margin, size[1] - 2 * margin
    factor = 1.0
    if size != smallest:
        if min(room) < 1:
            raise wrong_field("margin", f"leaves no room for the cut-out on a canvas of {size[0]} x {size[1]} px")
        factor = (options.scale or 100) / 100 * min(room[0] / width, room[1] / height)
    if smallest:
        factor = min(factor, 1)
    placed = max(1, _rounded(width * factor)), max(1, _rounded(height * factor))
    left, top = (
        margin + _rounded(share * (free - side) / 100)
        for share, free, side in zip(options.position_shares(), room, placed, strict=True)
    )
    scale = width / placed[0], height / placed[1]
    result = _bounded(size, options.max_size)
    return Frame(
        (box[0] - left * scale[0], box[1] - top * scale[1]),
        (scale[0] * size[0] / result[0], scale[1] * size[1] / result[1]),
        result,
    )


def _smallest(box: Size, options: CutOptions) -> Size | None:
    """Return the smallest canvas of a shape whose room holds the box at the scale; None for canvases of some px."""
    shape = options.canvas_shape()
    if shape is None:
        return None
    scale, share = options.scale or 100, options.margin_share()
    needed = []
    for side, part in zip(box, shape, strict=True):
        if share is None:
            needed.append(math.ceil(side * 100 / scale) + 2 * options.margin_px(*box))
            continue
        free = 100 * part - 2 * share * max(shape)
        if free <= 0:
            raise wrong_field("margin", f"leaves no room for the cut-out on a canvas of {options.canvas}")
        needed.append(math.ceil(side * 100 * 100 * part / (scale * free)))
    return (
        max(needed[0], math.ceil(needed[1] * shape[0] / shape[1])),
        max(needed[1], math.ceil(needed[0] * shape[1] / shape[0])),
    )


def _affordable(size: Size, max_pixels: int) -> Size:
    """Return the size, made smaller where it has too many px or a side is too long."""
    if size[0] * size[1] <= max_pixels and max(size) <= MAX_SIDE:
        return size
    factor = min(math.sqrt(max_pixels / (size[0] * size[1])), MAX_SIDE / max(size))
    return max(1, math.floor(size[0] * factor)), max(1, math.floor(size[1] * factor))


def _rounded(value: float) -> int:
    """Return the nearest whole number, halves upwards as in JavaScript: the page places cut-outs by the same rule."""
    return math.floor(value + 0.5)
