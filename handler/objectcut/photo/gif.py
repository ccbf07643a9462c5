"""GIF files: the first picture, and what it leaves of its screen.

Owns the walk over the blocks before it: the decoder gets the one that tells which colour is transparent and no other,
so that comments, however many, cost nothing. Leaves the decoding to Pillow.

Format: CompuServe, Graphics Interchange Format, version 89a.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.photo.source import Decoded, Source

_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_HEADER_BYTES = 13
# Of blocks and their parts before the picture. XMP of 2 MB, which is read as parts of some 80 bytes, has fewer.
_MOST_PARTS = 1 << 15


def read(data: bytes, check: Callable[[tuple[int, int]], None]) -> Source:
    """Read a GIF file up to its first picture.

    Args:
        check: is told width and height before a decoder sees the file.

    Raises:
        CutError: what `check` raises.
        Exception: the header is broken, there is no picture, or more before it than programs write.
    """
    start = _HEADER_BYTES + _palette_bytes(data[10])
    at, control = _first_picture(data, start)
    width, height = struct.unpack_from("<HH", data, 6)
    left, top, frame_width, frame_height = struct.unpack_from("<4H", data, at + 1)
    size = (max(width, left + frame_width), max(height, top + frame_height))
    check(size)
    image = Image.open(io.BytesIO(b"".join([data[:start], control, data[at:]])), formats=("GIF",))
    covered = (left, top, left + frame_width, top + frame_height)

    def decode() -> Decoded:
        image.load()
        return Decoded(image, None if covered == (0, 0, *size) else _alpha_of_frame(image, covered))

    return Source(size, decode)


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _first_picture(data: bytes, at: int) -> tuple[int, bytes]:
    """Return where the first picture begins, and the block that tells its transparent colour, empty without one."""
    control = b""
    inside = False  # of an extension
    for _ in range(_MOST_PARTS):
        byte = data[at]
        if inside:
            inside, at = byte > 0, at + 1 + byte
        elif byte == _IMAGE:
            return at, control
        elif byte == _EXTENSION:
            if data[at + 1] == _GRAPHIC_CONTROL and data[at + 2] >= 4:
                # What happens to the picture before the next one is of no interest: bits 2 to 4.
                control = bytes([*data[at : at + 2], 4, data[at + 3] & 0xE3, *data[at + 4 : at + 7], 0])
            inside, at = True, at + 2
        else:
            at += 1
    raise ValueError("no picture")


def _alpha_of_frame(image: Image.Image, covered: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Transparent where the picture leaves its screen as it is."""
    left, top, right, bottom = covered
    alpha = np.zeros((image.height, image.width), np.uint8)
    alpha[top:bottom, left:right] = np.asarray(image.convert("RGBA").getchannel("A"))[top:bottom, left:right]
    return alpha
