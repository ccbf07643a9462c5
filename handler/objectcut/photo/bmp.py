"""BMP files: which of them are decoded.

Owns the bound on those whose pixels are run-length encoded: Pillow decodes them in Python, a run at a time.
"""

from __future__ import annotations

import io

from PIL import Image

from objectcut.photo import kinds
from objectcut.photo.source import Decoded, Source

_RLE8, _RLE4 = 1, 2
# A run has two bytes or more and takes about 0.5 us, a pixel of four bits 0.06 us: half a second in all.
_MOST_RUN_BYTES = 1_000_000
_MOST_RUN_PIXELS = 4_000_000


def read(data: bytes) -> Source:
    """Read the header of a BMP file.

    Raises:
        CutError: `unsupported_image` for a large one that is run-length encoded.
        Exception: whatever Pillow raises for a broken header.
    """
    image = Image.open(io.BytesIO(data), formats=("BMP",))
    is_large = len(data) > _MOST_RUN_BYTES or image.width * image.height > _MOST_RUN_PIXELS
    if is_large and image.info["compression"] in {_RLE8, _RLE4}:
        raise kinds.unsupported("Large run-length encoded BMP")

    def decode() -> Decoded:
        image.load()
        return Decoded(image)

    return Source(image.size, decode)
