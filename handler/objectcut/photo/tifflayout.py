"""How a TIFF file stores its pixels, by its tags.

Owns the numbers of the tags and of their values, and the judgement whether they are such as programs write. Leaves the
pixels to `tiff` and `tiffplanes`.

Format: Adobe, TIFF Revision 6.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from objectcut.photo.directory import Directory

# Tags.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIPS, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANAR, PREDICTOR = 273, 277, 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, EXTRA, FORMAT = 322, 323, 324, 325, 338, 339
PARTS = (STRIPS, STRIP_BYTES, TILES, TILE_BYTES)
# Values of PHOTOMETRIC, of FORMAT and of EXTRA.
WHITE_IS_ZERO, GREY, RGB, CMYK, CIELAB, ICCLAB = 0, 1, 2, 5, 8, 9
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
PREMULTIPLIED, STRAIGHT = 1, 2
LOSSLESS = {1, 5, 8, 32_773, 32_946, 34_925, 50_000}
"""Values of COMPRESSION: none, LZW, Deflate, PackBits, old Deflate, LZMA and Zstandard."""

_COLOURS = MappingProxyType({WHITE_IS_ZERO: 1, GREY: 1, RGB: 3, CMYK: 4, CIELAB: 3, ICCLAB: 3})
_COMPRESSIONS = LOSSLESS | {2, 3, 4, 6, 7, 9, 10}
_FIRST_OF_FIRMS = 32_766  # from here on, compressions that firms were given a number for
_PHOTOMETRICS = {*range(6), 8, 9, 10, 32_844, 32_845}
_DEPTHS = {1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32, 64}
_MOST_SAMPLES = 16
_LEAST_TILE, _FEW_TILES = 16 * 16, 4096  # px, which is the least of the format; as many as a border of them
_MOST_TILED_PIXELS = 1 << 24  # tiles may go on beyond a small photo, but not without end


@dataclass(frozen=True)
class Layout:
    """How a file stores its pixels, by its tags.

    Attributes:
        width, height: px.
        bits: of a sample; 0 when samples differ.
        samples, colours: of a pixel; of these, how many are colours (0: an unknown kind of colours).
        form: of numbers, unsigned, signed or float.
        photometric, compression, predictor, fill_order: the tags' own numbers.
        planar: whether each sample has a plane to itself.
        alpha: what the sample behind the colours is: 0 nothing, 1 premultiplied, 2 straight alpha.
        tile_width: px; the whole width for strips.
        order: of bytes, as in `struct`.
    """

    width: int
    height: int
    bits: int
    samples: int
    colours: int
    form: int
    photometric: int
    compression: int
    predictor: int
    fill_order: int
    planar: bool
    alpha: int
    tile_width: int
    order: str

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Of a sample, in the file's order of bytes."""
        code = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}.get(self.form)
        if code is None or self.bits not in ({16, 32, 64} if code == "f" else {8, 16, 32, 64}):
            return None
        return np.dtype(f"{self.order}{code}{self.bits // 8}")

    @property
    def is_plausible(self) -> bool:
        """Whether programs write such files: else the tags are damaged."""
        return (
            self.bits in _DEPTHS
            and (self.bits >= 8 or self.samples == 1)
            and self.form in {UNSIGNED, SIGNED, FLOAT}
            and self.photometric in _PHOTOMETRICS
            and (self.compression in _COMPRESSIONS or self.compression >= _FIRST_OF_FIRMS)
            and self.colours <= self.samples <= _MOST_SAMPLES
        )

    @property
    def name(self) -> str:
        """What to call the file."""
        form = {SIGNED: " signed", FLOAT: " float"}.get(self.form, "")
        return f"TIFF ({self.samples} x {self.bits}-bit{form})"


def layout_of(tags: Directory) -> Layout | None:
    """Return the layout that these tags tell; None when they are not those of a picture."""
    width, height = tags.number(WIDTH, 0), tags.number(HEIGHT, 0)
    if width <= 0 or height <= 0 or not ({STRIPS, TILES} & set(tags.entries)):
        return None
    tile_width, tile_height = width, 1
    if TILES in tags.entries:
        tile_width, tile_height = tags.number(TILE_WIDTH, 0), tags.number(TILE_HEIGHT, 0)
    if not (tile_width and tile_height):
        return None
    tiled = -(-width // tile_width) * tile_width * -(-height // tile_height) * tile_height
    if tiled > max(2 * width * height, _MOST_TILED_PIXELS):
        return None
    if not _has_plausible_parts(tags, width, height):
        return None
    photometric = tags.number(PHOTOMETRIC, WHITE_IS_ZERO)
    bits = tags.numbers(BITS) or (1,)
    samples = tags.number(SAMPLES, 1)
    colours = _COLOURS.get(photometric, 0)
    extra = tags.numbers(EXTRA)
    alpha = extra[0] if extra and extra[0] in {PREMULTIPLIED, STRAIGHT} else 0
    if not extra and photometric == RGB and samples == 4:
        alpha = STRAIGHT  # as Pillow has it
    return Layout(
        width=width,
        height=height,
        bits=bits[0] if len(set(bits[:samples])) == 1 else 0,
        samples=samples,
        colours=colours,
        form=tags.number(FORMAT, UNSIGNED),
        photometric=photometric,
        compression=tags.number(COMPRESSION, 1),
        predictor=tags.number(PREDICTOR, 1),
        fill_order=tags.number(FILL_ORDER, 1),
        planar=tags.number(PLANAR, 1) == 2 and samples > 1,
        alpha=alpha if samples > colours else 0,
        tile_width=tile_width,
        order=tags.order,
    )


def _has_plausible_parts(tags: Directory, width: int, height: int) -> bool:
    """Whether there are no more strips than rows, and no more tiles than the smallest ones: each of them takes time."""
    planes = min(tags.number(SAMPLES, 1), _MOST_SAMPLES) if tags.number(PLANAR, 1) == 2 else 1
    most = {
        **dict.fromkeys((STRIPS, STRIP_BYTES), height),
        **dict.fromkeys((TILES, TILE_BYTES), _FEW_TILES + width * height // _LEAST_TILE),
    }
    return all(tags.entries[tag].count <= planes * most[tag] for tag in PARTS if tag in tags.entries)
