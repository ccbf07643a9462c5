"""The samples of TIFF files that Pillow does not unpack by itself.

Owns the workaround: a plane is presented to Pillow as a grey picture of 8 bits whose pixels are the plane's bytes.
Pillow undoes any lossless compression; what the bytes mean is worked out here, predictors included.

Format: Adobe, TIFF Revision 6.0, section 14, and Technical Note 3 for the predictor of floats.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.photo import directory as directories
from objectcut.photo import tifflayout as form
from objectcut.photo.directory import Directory
from objectcut.photo.tifflayout import Layout

_PREDICTED = form.LOSSLESS - {1, 32_773}  # the compressions that a predictor goes with


class Plane:
    """The samples of one plane, or of the only one.

    Args:
        plain, tags, layout: the file.
        index: of the plane.
    """

    def __init__(self, plain: bytes, tags: Directory, layout: Layout, index: int) -> None:
        self._layout = layout
        self._samples = 1 if layout.planar else layout.samples
        self._bytes_a_pixel = self._samples * layout.bits // 8
        image = Image.open(io.BytesIO(self._as_bytes(plain, tags, index)), formats=("TIFF",))
        image.load()
        self._image = image

    def _as_bytes(self, plain: bytes, tags: Directory, index: int) -> bytes:
        """Return the same file, as a grey picture of 8 bits whose pixels are this plane's bytes."""
        layout, wide = self._layout, self._bytes_a_pixel
        numbers: dict[int, tuple[int, ...]] = {
            form.WIDTH: (-(-layout.width // layout.tile_width) * layout.tile_width * wide,),  # whole tiles
            form.HEIGHT: (layout.height,),
            form.BITS: (8,),
            form.COMPRESSION: (layout.compression,),
            form.PHOTOMETRIC: (form.GREY,),
            form.SAMPLES: (1,),
        }
        tiled = form.TILES in tags.entries
        if tiled:
            numbers |= {
                form.TILE_WIDTH: (layout.tile_width * wide,),
                form.TILE_HEIGHT: tags.numbers(form.TILE_HEIGHT),
            }
        else:
            numbers[form.STRIP_ROWS] = (min(tags.number(form.STRIP_ROWS, layout.height), layout.height),)
        for tag in (form.TILES, form.TILE_BYTES) if tiled else (form.STRIPS, form.STRIP_BYTES):
            listed = tags.numbers(tag)
            each = len(listed) // (layout.samples if layout.planar else 1)
            numbers[tag] = listed[index * each : (index + 1) * each]
        kept = {tag: directories.of_numbers(tags, values) for tag, values in numbers.items() if values}
        return directories.rewritten(plain, tags, kept)

    def rows(self, top: int, end: int) -> NDArray[Any]:
        """(rows, W, samples), in the file's order of bytes."""
        layout = self._layout
        dtype = layout.dtype
        assert dtype is not None
        band = np.asarray(self._image.crop((0, top, self._image.width, end)))
        values = band.reshape(end - top, -1, layout.tile_width * self._bytes_a_pixel)
        if layout.compression in _PREDICTED and layout.predictor != 1:
            undone = _undo_predictor if layout.predictor == 2 else _undo_float_predictor
            values = undone(values, dtype, self._samples)
        return values.view(dtype).reshape(end - top, -1, self._samples)[:, : layout.width]


def _undo_predictor(tiles: NDArray[np.uint8], dtype: np.dtype[Any], samples: int) -> NDArray[np.uint8]:
    """Sums of differences between neighbours of a row, modulo their bits.

    Args:
        tiles: (rows, tiles in a row, bytes).
    """
    whole = np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")
    differences = tiles.view(whole).reshape(*tiles.shape[:2], -1, samples)
    sums = np.cumsum(differences, axis=2, dtype=whole.newbyteorder("="))
    return np.asarray(sums.astype(whole).reshape(*tiles.shape[:2], -1).view(np.uint8))


def _undo_float_predictor(tiles: NDArray[np.uint8], dtype: np.dtype[Any], samples: int) -> NDArray[np.uint8]:
    """Sums of differences between bytes, of which a row has first all the highest, last all the lowest."""
    shape = tiles.shape[:2]
    sums = np.cumsum(tiles.reshape(*shape, -1, samples), axis=2, dtype=np.uint8).reshape(*shape, dtype.itemsize, -1)
    values = np.ascontiguousarray(sums.swapaxes(2, 3)).view(dtype.newbyteorder(">"))
    return np.asarray(values.astype(dtype).reshape(*shape, -1).view(np.uint8))
