"""What Python programs give and get without a server: a photo in any form, a finished cut-out."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.picture.encode import encode
from objectcut.request.options import Format

_SUFFIXES: dict[str, Format] = {"png": "png", "webp": "webp", "jpg": "jpeg", "jpeg": "jpeg", "zip": "zip"}


@dataclass(frozen=True, eq=False)
class CutResult:
    """A finished cut-out.

    Attributes:
        pixels: uint8; (h, w, 4) RGBA with straight alpha, (h, w, 3) RGB, or (h, w) for a mask.
        box: of everything that is kept, x0, y0, x1, y1 in px of the upright photo, half-open.
        objects: for each object its `id`, `label`, `score`, `box` and `area`, as `/cut` returns them.
    """

    pixels: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    objects: list[dict[str, Any]]

    @property
    def image(self) -> Image.Image:
        """The picture for Pillow."""
        return Image.fromarray(self.pixels)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the suffix chooses the format: .png, .webp, .jpg, .jpeg or .zip.

        Raises:
            ValueError: another suffix.
            CutError: `image_too_large` for the format.
        """
        suffix = Path(path).suffix.lower().removeprefix(".")
        if suffix not in _SUFFIXES:
            raise ValueError(f"'{path}' has none of the suffixes {', '.join(f'.{each}' for each in _SUFFIXES)}")
        Path(path).write_bytes(encode(self.pixels, _SUFFIXES[suffix]))


def encoded(photo: str | os.PathLike[str] | bytes | Image.Image) -> bytes:
    """Return the encoded bytes of a photo that is a file, bytes already, or a picture."""
    if isinstance(photo, bytes):
        return photo
    if isinstance(photo, Image.Image):
        out = io.BytesIO()
        photo.save(out, "PNG", compress_level=0)  # to compress it would take longer than to cut it
        return out.getvalue()
    return Path(photo).read_bytes()
