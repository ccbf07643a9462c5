"""The size of a photo, by its header alone."""

from __future__ import annotations

import io

import imagesize

_HEAD = 262_144  # bytes; where the size stands later the file is no usual one, and looking for it could take long
_REFUSED = (b"P", b"<")  # Netpbm and SVG, whose sizes are text of any length: workers refuse them without work


def upright_size(photo: bytes) -> tuple[int, int] | None:
    """Return width and height of the upright photo, px; None where the header does not tell them."""
    if photo.startswith(_REFUSED):
        return None
    width, height = imagesize.get(io.BytesIO(photo[:_HEAD]))
    return (width, height) if width > 0 < height else None
