"""A contact sheet: the first, the middle and the last of some cut-outs, for instance the worst and the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from objectcut.edges.foreground import estimate

_SIDE = 240  # px, of a tile
_COLUMNS = 6
Lines = Sequence[tuple[str | None, str | None]]
"""What is below one another: ways of drawing the edge and colours behind them; None is the photo."""
EDGES: Lines = ((None, None), ("raw", "magenta"), ("smooth", "magenta"), ("smooth", "white"))
PLAIN: Lines = ((None, None), ("raw", "magenta"))


@dataclass(frozen=True, eq=False)
class Tile:
    """One object.

    Attributes:
        photo: (H, W, 3) uint8.
        box: what to show, x0, y0, x1, y1.
        name: of the object.
        alphas: (H, W) uint8, for each way of drawing the edge.
        words: what to write on it, likewise.
    """

    photo: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    name: str
    alphas: Mapping[str, NDArray[np.uint8]]
    words: Mapping[str, str]


def draw(ranked: Sequence[Tile], lines: Lines = EDGES) -> Image.Image:
    """Return the sheet of the first, the middle and the last of these cut-outs."""
    middle = max(0, len(ranked) // 2 - _COLUMNS // 2)
    rows = [ranked[:_COLUMNS], ranked[middle : middle + _COLUMNS], ranked[-_COLUMNS:]]
    sheet = Image.new("RGB", (_COLUMNS * _SIDE, len(rows) * len(lines) * _SIDE), "white")
    for row, tiles in enumerate(rows):
        for column, tile in enumerate(tiles):
            for line, (way, colour) in enumerate(lines):
                place = column * _SIDE, (row * len(lines) + line) * _SIDE
                sheet.paste(_shown(tile, way, colour), place)
    return sheet


def _shown(tile: Tile, way: str | None, colour: str | None) -> Image.Image:
    photo, words = Image.fromarray(tile.photo), tile.name
    if way is not None and colour is not None:
        pixels = tile.photo.copy()
        estimate(pixels, tile.alphas[way]).paint(pixels)
        behind = Image.new("RGB", photo.size, colour)
        photo, words = (
            Image.composite(Image.fromarray(pixels), behind, Image.fromarray(tile.alphas[way])),
            tile.words[way],
        )
    x0, y0, x1, y1 = tile.box
    room = 0.1 * max(x1 - x0, y1 - y0)
    shown = photo.crop((int(x0 - room), int(y0 - room), int(x1 + room), int(y1 + room)))
    scale = _SIDE / max(shown.size)
    shown = shown.resize(
        (max(1, int(shown.width * scale)), max(1, int(shown.height * scale))), Image.Resampling.NEAREST
    )
    framed = Image.new("RGB", (_SIDE, _SIDE), "white")
    framed.paste(shown)
    ImageDraw.Draw(framed).text((3, 3), words, fill="black", stroke_width=2, stroke_fill="white")
    return framed
