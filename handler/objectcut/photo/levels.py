"""From the levels of deep pixels, integers or floats, to 8 bits.

Owns the question which level is white: a whole type's largest one, or what most of the photo keeps below, so that one
wrong value in a million does not darken the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BAND = 1 << 20  # values that are converted at once
_SAMPLE = 1 << 20  # values that are looked at to find white

Rows = Callable[[int, int], NDArray[Any]]
"""Rows from, to -> (rows, W, C) of one type, native or not in their byte order."""


def eight_bits(rows: Rows, shape: tuple[int, int, int], colours: int, inverted: bool = False) -> NDArray[np.uint8]:
    """Return the same picture with 8 bits a value. What is not a number is black.

    Args:
        rows: gives the values.
        shape: H, W, C.
        colours: how many of the C are colours; what follows is alpha, from 0 to the type's largest value, or to 1.
        inverted: whether the colours run from white to black.

    Returns:
        (H, W, C) uint8.
    """
    height, width, channels = shape
    step = max(1, _BAND // (width * channels))
    black, white = _range(_sampled(rows, shape, colours))
    out = np.empty(shape, np.uint8)
    for top in range(0, height, step):
        band = rows(top, min(top + step, height))
        full = 1.0 if band.dtype.kind == "f" else float(np.iinfo(band.dtype).max)
        target = out[top : top + step]
        target[..., :colours] = _scaled(band[..., :colours], black, white, inverted)
        target[..., colours:] = _scaled(band[..., colours:], 0.0, full, False)
    return out


def _scaled(values: NDArray[Any], black: float, white: float, inverted: bool) -> NDArray[np.uint8]:
    kind = np.float64 if values.dtype.itemsize > 2 else np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        light = values.astype(kind)
        unknown = np.isnan(light)
        light -= black
        light *= 255 / (white - black)
        np.clip(light, 0, 255, out=light)
        if inverted:
            np.subtract(255, light, out=light)
        light[unknown] = 0
        return np.rint(light, out=light).astype(np.uint8)


def _sampled(rows: Rows, shape: tuple[int, int, int], colours: int) -> NDArray[Any]:
    """Values of the colours from all over the photo."""
    height, width, channels = shape
    step = max(1, _BAND // (width * channels))
    stride = max(1, round((height * width * colours / _SAMPLE) ** 0.5))
    bands = [rows(top, min(top + step, height)) for top in range(0, height, step)] if stride == 1 else []
    if bands:
        return np.concatenate([band[..., :colours].ravel() for band in bands])
    return np.concatenate([rows(top, top + 1)[:, ::stride, :colours].ravel() for top in range(0, height, stride)])


def _range(sample: NDArray[Any]) -> tuple[float, float]:
    """Return the levels of black and white."""
    if sample.dtype.kind == "f":
        numbers = sample[np.isfinite(sample)].astype(np.float64)
        if not numbers.size:
            return 0.0, 1.0
        high = float(np.percentile(numbers, 99, method="lower"))
        # Floats from 0 to 1, from 0 to 255 or from 0 to 65535, a little beyond included.
        return 0.0, next((white for most, white in ((2, 1.0), (300, 255.0), (70_000, 65_535.0)) if high <= most), high)
    bounds = np.iinfo(sample.dtype)
    low, high = np.percentile(sample, (1, 99), method="lower").tolist()
    if sample.dtype.itemsize <= 2:
        return float(bounds.min) if low < 0 else 0.0, float(bounds.max)
    # Programs keep 16 bits in 32 as well.
    if low < 0:
        return (-32_768.0, 32_767.0) if low >= -32_768 and high <= 32_767 else (float(bounds.min), float(bounds.max))
    return 0.0, 65_535.0 if high <= 65_535 else float(bounds.max)
