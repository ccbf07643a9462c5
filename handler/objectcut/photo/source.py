"""What the readers of the single kinds of files give to `photo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, eq=False)
class Decoded:
    """The pixels as they are stored.

    Attributes:
        image: of any mode of Pillow, or (H, W, 3) uint8, RGB.
        alpha: (H, W) uint8, beside an image whose mode has no room for it; None otherwise.
    """

    image: Image.Image | NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """A file of which only the header was read.

    Attributes:
        size: width and height as stored, px.
        decode: the pixels, not turned. Raises whatever a broken file leads the decoder to.
        shrunk: the pixels of a smaller copy whose shorter side has at least so many px; None when the kind has none,
            and its result is None when the photo is less than twice as large.
        orientation: EXIF's number from 1 to 8, for pixels that are to be turned.
        profile: ICC profile; None for sRGB.
    """

    size: tuple[int, int]
    decode: Callable[[], Decoded]
    shrunk: Callable[[int], Decoded | None] | None = None
    orientation: int = 1
    profile: bytes | None = None
