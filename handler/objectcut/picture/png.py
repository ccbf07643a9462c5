"""From pixels to the bytes of a PNG file, fast.

Pillow tries five filters for each row and deflates with zlib, which takes several times as long; here every row has
the same filter and Intel's ISA-L deflates. Strips of rows are deflated each by itself and put one behind the other, as
pigz does, so that all cores work; a strip in which nothing is shown takes no time.

Format: W3C, Portable Network Graphics (PNG) Specification; RFC 1950 and 1951.
"""

from __future__ import annotations

import functools
import itertools
import struct
from dataclasses import dataclass

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from objectcut.worker.spread import Spread

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels to the specification's colour type: grey, RGB, RGBA
_SUB = 1  # the filter that stores the difference to the pixel on the left
_STRIP = 2_000_000  # bytes that are deflated by themselves, about: a strip costs some bytes more in the file
_LEVEL = 2  # of 0 to 3; 1 is no faster, 3 no smaller
_BARE = -isal_zlib.MAX_WBITS  # deflate without zlib's header and check sum
_ZLIB_HEADER = b"\x78\x01"
_MODULUS = 65_521  # of Adler-32


@dataclass(frozen=True)
class _Packed:
    """Deflated bytes, and check sum and number of the bytes that they hold."""

    data: bytes
    adler: int
    length: int


def encode(pixels: NDArray[np.uint8], spread: Spread = map) -> bytes:
    """Return a PNG file.

    Args:
        pixels: (H, W) grey, or (H, W, 3) RGB, or (H, W, 4) RGBA with straight alpha; uint8, not empty.
        spread: distributes strips of it over cores.
    """
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    rows = max(1, _STRIP // (width * channels))
    strips = [pixels[top : top + rows].reshape(-1, width * channels) for top in range(0, height, rows)]
    packed = list(spread(functools.partial(_packed, channels), strips))
    adler = functools.reduce(_joined, packed).adler
    end = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _BARE).flush()
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = [_ZLIB_HEADER, *(strip.data for strip in packed), end, struct.pack(">I", adler)]
    data = [_chunk(b"IHDR", [header]), _chunk(b"IDAT", parts), _chunk(b"IEND", [])]
    return b"".join([b"\x89PNG\r\n\x1a\n", *itertools.chain(*data)])


def _packed(channels: int, rows: NDArray[np.uint8]) -> _Packed:
    """Return some rows, (n, width * channels), filtered and deflated."""
    if not rows.any():
        return _nothing(*rows.shape)
    filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = _SUB
    filtered[:, 1 : 1 + channels] = rows[:, :channels]
    np.subtract(rows[:, channels:], rows[:, :-channels], out=filtered[:, 1 + channels :])
    return _deflated(filtered)


@functools.lru_cache(maxsize=4)
def _nothing(count: int, length: int) -> _Packed:
    """Return rows of zeros, deflated."""
    filtered = np.zeros((count, 1 + length), np.uint8)
    filtered[:, 0] = _SUB
    return _deflated(filtered)


def _deflated(filtered: NDArray[np.uint8]) -> _Packed:
    deflate = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _BARE)
    data = deflate.compress(filtered.data) + deflate.flush(isal_zlib.Z_FULL_FLUSH)
    return _Packed(data, isal_zlib.adler32(filtered.data), filtered.nbytes)


def _joined(first: _Packed, second: _Packed) -> _Packed:
    """Return the check sum of two pieces one behind the other, without their bytes: its halves are sums (RFC 1950)."""
    low = ((first.adler & 0xFFFF) + (second.adler & 0xFFFF) - 1) % _MODULUS
    high = ((first.adler >> 16) + (second.adler >> 16) + second.length * ((first.adler & 0xFFFF) - 1)) % _MODULUS
    return _Packed(b"", high << 16 | low, first.length + second.length)


def _chunk(kind: bytes, data: list[bytes]) -> list[bytes]:
    check = functools.reduce(lambda sum_, part: isal_zlib.crc32(part, sum_), data, isal_zlib.crc32(kind))
    return [struct.pack(">I", sum(map(len, data))), kind, *data, struct.pack(">I", check)]
