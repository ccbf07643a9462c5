"""Which way up a photo is, by its EXIF data.

Owns the reading of that one tag and the turning of the pixels. No other tag is looked at, so none can do harm, and XMP
does not count. The rules are Chromium's: the tag is one SHORT from 1 to 8, the first of its number in the first
directory. The containers differ in where they hold it: JPEG, PNG (the chunk eXIf, not a text of that name) and WebP
hold EXIF data, TIFF the tag itself; HEIC and AVIF say it by themselves (irot, imir), and there EXIF does not count.
Chromium does not turn WebP, nor PNG whose eXIf follows the pixels; here they are turned, as their specifications have
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectcut.photo import directory
from objectcut.photo.directory import SHORT, Directory

ORIENTATION = 0x0112
_HEADER = b"Exif\0\0"
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.transpose(np.rot90(stored, 2)),
    8: np.rot90,
}


def of_exif(exif: bytes | None) -> int | None:
    """1 to 8, or None when it does not say. With or without the header that JPEG puts before EXIF data."""
    if not exif:
        return None
    try:
        return of_tags(directory.read(exif.removeprefix(_HEADER)))
    except ValueError:
        return None


def of_tags(tags: Directory) -> int | None:
    """1 to 8, or None when the directory does not say."""
    entry = tags.entries.get(ORIENTATION)
    if entry is None or entry.type != SHORT or entry.count != 1:
        return None
    value = tags.number(ORIENTATION, 0)
    return value if 1 <= value <= 8 else None


def upright(plane: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return pixels, (H, W) or (H, W, C) uint8, C-contiguous, turned as their orientation says."""
    turn = _TURNS.get(orientation)
    if turn is None:
        return plane
    channels = plane.shape[2:]
    whole = plane.view(f"V{channels[0]}")[..., 0] if channels else plane  # half of the time that three channels take
    turned = np.ascontiguousarray(turn(whole))
    return turned.view(np.uint8).reshape(*turned.shape, *channels)


def lies_on_its_side(orientation: int) -> bool:
    """Return whether `upright` exchanges width and height."""
    return orientation >= 5
