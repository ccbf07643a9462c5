"""Pictures whose alpha and foreground are known, because they were put together here.

An object of a photo is laid over another photo with an edge that no polygon can describe: fur, hair, thin parts or a
veil. Its colours go on outside of it as those of the nearest pixel inside, so that what is drawn there belongs to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Kind = Literal["fur", "hair", "thin", "translucent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FINER = 3  # times, at which strokes are drawn, so that their edges are smooth
_RIM = 0.012  # of the side: how far a mask drawn by hand may be off
_STEPS = 8  # straight pieces of a stroke
Plane = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Composite:
    """A picture and what it was made of.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) float32, 0 to 1.
        foreground: (H, W, 3) uint8, the object's own colours, also where it is not.
    """

    pixels: NDArray[np.uint8]
    alpha: Plane
    foreground: NDArray[np.uint8]


def compose(
    kind: Kind | None, photo: Image.Image, truth: Image.Image, behind: Image.Image, rng: np.random.Generator
) -> Composite:
    """Return an object laid over another photo.

    Args:
        kind: of its edge; None is a plain one.
        photo: RGB, square, with the object.
        truth: L, of the same size, 255 on the object.
        behind: RGB, of the same size.
        rng: source of randomness.
    """
    side = photo.width
    inside = np.asarray(truth) > 127
    sure = ndimage.binary_erosion(inside, iterations=max(1, round(_RIM * side)), border_value=1)
    if not sure.any():
        sure = inside if inside.any() else np.ones_like(inside)
    foreground = _carried_on(np.asarray(photo), sure)
    alpha = _plain(sure, rng)
    if kind == "fur":
        alpha = np.maximum(alpha, _strokes(sure, rng, (0.6, 2.5), (0.02, 0.07), 0.6))
    elif kind == "hair":
        alpha = np.maximum(alpha, _strokes(_some(sure, rng), rng, (0.08, 0.35), (0.08, 0.3), 2.0))
    elif kind == "thin":
        alpha = np.maximum(alpha * (rng.random() < 0.5), _bars(sure, rng))
    elif kind == "translucent":
        alpha = np.maximum(alpha, _veil(sure, rng))
    colours = alpha[..., None] * foreground + (1 - alpha[..., None]) * np.asarray(behind, np.float32)
    return Composite(colours.round().astype(np.uint8), alpha, foreground)


def _carried_on(pixels: NDArray[np.uint8], sure: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the colours of the nearest sure pixel, everywhere."""
    rows, columns = ndimage.distance_transform_edt(~sure, return_distances=False, return_indices=True)
    carried: NDArray[np.uint8] = pixels[rows, columns]
    return carried


def _plain(sure: NDArray[np.bool_], rng: np.random.Generator) -> Plane:
    """Return a plain edge as lenses make it: sharp, or now and then out of focus."""
    blur = rng.uniform(0.5, 1.0) if rng.random() < 0.7 else rng.uniform(0.004, 0.02) * len(sure)
    plain: Plane = ndimage.gaussian_filter(sure.astype(np.float32), blur, mode="nearest")
    return plain


def _some(sure: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the object up to a line through its middle, where hair grows."""
    y, x = np.nonzero(sure)
    angle = rng.uniform(0, 2 * math.pi)
    rows, columns = np.ogrid[: len(sure), : len(sure)]
    beyond: NDArray[np.bool_] = (rows - y.mean()) * math.sin(angle) + (columns - x.mean()) * math.cos(angle) > 0
    return sure & beyond


def _strokes(
    sure: NDArray[np.bool_],
    rng: np.random.Generator,
    density: tuple[float, float],
    length: tuple[float, float],
    curl: float,
) -> Plane:
    """Hairs that grow outwards from the object's contour, each thinner towards its end.

    Args:
        density: hairs a px of the contour, lowest and highest.
        length: shares of the side, likewise.
        curl: radians that a hair may turn over its length.
    """
    side = len(sure)
    smooth = ndimage.gaussian_filter(sure.astype(np.float32), 0.015 * side, mode="nearest")
    down, across = np.gradient(-smooth)
    rows, columns = np.nonzero(sure & ~ndimage.binary_erosion(sure, border_value=1))
    picture = Image.new("L", (side * _FINER, side * _FINER))
    draw = ImageDraw.Draw(picture)
    if rows.size:
        longest, wave = rng.uniform(*length) * side, rng.normal(0, curl / 2)
        thick = rng.uniform(0.5, 1.4) * max(1.0, side / 400)
        count = int(rows.size * rng.uniform(*density) * 224 / max(side, 224))
        for place in rng.integers(rows.size, size=count):
            row, column = float(rows[place]), float(columns[place])
            angle = math.atan2(down[rows[place], columns[place]], across[rows[place], columns[place]])
            angle, turn = angle + rng.normal(0, 0.35), wave + rng.normal(0, curl / 3)
            step, shade = longest * rng.uniform(0.3, 1) / _STEPS, int(rng.uniform(120, 256))
            for part in range(_STEPS):
                angle += turn / _STEPS
                further = column + step * math.cos(angle), row + step * math.sin(angle)
                width = max(1, round(thick * _FINER * (1 - 0.6 * part / _STEPS)))
                ends = (column * _FINER, row * _FINER, further[0] * _FINER, further[1] * _FINER)
                draw.line(ends, fill=shade, width=width)
                column, row = further
    return _coarser(picture)


def _bars(sure: NDArray[np.bool_], rng: np.random.Generator) -> Plane:
    """Wires, legs and rods: bent lines across the object's place."""
    side = len(sure)
    rows, columns = np.nonzero(sure)
    picture = Image.new("L", (side * _FINER, side * _FINER))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 8))):
        chosen = rng.integers(rows.size, size=3)
        points = [(columns[i] * _FINER, rows[i] * _FINER) for i in chosen]
        draw.line(points, fill=255, width=max(_FINER, round(rng.uniform(0.006, 0.025) * side * _FINER)), joint="curve")
    return _coarser(picture)


def _veil(sure: NDArray[np.bool_], rng: np.random.Generator) -> Plane:
    """Something half transparent around a part of the object."""
    side = len(sure)
    reach = max(1, round(rng.uniform(0.03, 0.09) * side))
    wide = ndimage.distance_transform_edt(~_some(sure, rng)) < reach
    veil: Plane = ndimage.gaussian_filter(wide * np.float32(rng.uniform(0.3, 0.7)), 1.0, mode="nearest")
    return veil


def _coarser(picture: Image.Image) -> Plane:
    coarse: Plane = np.asarray(picture.reduce(_FINER), np.float32) * np.float32(1 / 255)
    return coarse
