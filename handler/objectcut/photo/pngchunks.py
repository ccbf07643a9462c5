"""PNG files: what their chunks say.

Owns the walk over the chunks: the decoder gets only those that make pixels, so that texts and profiles, however large
or broken, do no harm. Leaves the decoding to Pillow, and the writing of PNG files to `png`.

Format: W3C, Portable Network Graphics (PNG) Specification (Third Edition). Of several chunks that tell the colours, the
first of cICP, iCCP, sRGB and gAMA with cHRM counts (4.3); one whose checksum is wrong does not. The transparency of
shallow and deep greys and colours is corrected, which Pillow compares with pixels of 8 bits.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.photo import colourspace, orientation
from objectcut.photo.source import Decoded, Source

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OF_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_READ = {b"tRNS", b"eXIf", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"}
_MOST_PROFILE_BYTES = 4 << 20  # unpacked; the largest of printers have 3 MB
# Some programs write one for each row, of which there are half as many at most; each takes time, however short.
_MOST_CHUNKS = 1 << 15
_GREY, _RGB = 0, 2


def read(data: bytes) -> Source:
    """Read the header of a PNG file.

    Raises:
        ValueError: the header is broken, or there are more chunks than photos have.
    """
    parts: list[bytes | memoryview] = [_SIGNATURE]
    said: dict[bytes, bytes] = {}
    width = height = 0
    depth = colour = -1
    for name, start, end, whole in _chunks(data):
        if name in _READ:
            if whole and name not in said:
                said[name] = data[start + 8 : end - 4]
                if name == b"tRNS":  # before the pixels, which need it
                    parts.append(_key_of_8_bits(said[name], depth, colour))
        elif name in _OF_PIXELS:
            parts.append(memoryview(data)[start:end])
            if name == b"IHDR" and end - start >= 25:
                width, height, depth, colour = struct.unpack_from(">IIBB", data, start + 8)
        if name == b"IEND":
            break
    if not (width and height):
        raise ValueError("no size")
    key = said.get(b"tRNS", b"")
    is_deep = (depth, colour, len(key)) == (16, _RGB, 6)

    return Source(
        size=(width, height),
        decode=lambda: _decoded(b"".join(parts), key if is_deep else None),
        orientation=orientation.of_exif(said.get(b"eXIf")) or 1,
        profile=_profile(said),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int, bool]]:
    """Name, start and end of each chunk, and whether it is one to read whose checksum is right."""
    at = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return
        name = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        whole = name in _READ and end <= len(data) and zlib.crc32(data[at + 4 : end - 4]) == _number(data, end - 4)
        yield name, at, min(end, len(data)), whole
        at = end
    raise ValueError("too many chunks")


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=("PNG",))


def _decoded(data: bytes, key: bytes | None) -> Decoded:
    image = _opened(data)
    image.load()
    return Decoded(image, None if key is None else _alpha_of_deep_key(data, image, key))


def _key_of_8_bits(key: bytes, depth: int, colour: int) -> bytes:
    """Return the chunk tRNS as Pillow expects it; nothing when it is of the wrong length or of no use for Pillow."""
    if colour in {_GREY, _RGB}:
        if len(key) != (2 if colour == _GREY else 6) or (depth, colour) == (16, _RGB):
            return b""
        if depth in {2, 4, 8}:
            most = (1 << depth) - 1
            levels = [(level & most) * 255 // most for level in struct.unpack(f">{len(key) // 2}H", key)]
            key = struct.pack(f">{len(levels)}H", *levels)
    return struct.pack(">I", len(key)) + b"tRNS" + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))


def _alpha_of_deep_key(data: bytes, high: Image.Image, key: bytes) -> NDArray[np.uint8]:
    """0 where all 16 bits of a colour are the key's. Pillow keeps the high byte; read the other way round, the low."""
    low = _opened(data)
    low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]  # type: ignore[attr-defined]
    low.load()
    clear = np.ones((high.height, high.width), bool)
    for channel in range(3):
        clear &= np.asarray(high.getchannel(channel)) == key[2 * channel]
        clear &= np.asarray(low.getchannel(channel)) == key[2 * channel + 1]
    return np.where(clear, 0, 255).astype(np.uint8)


def _profile(said: dict[bytes, bytes]) -> bytes | None:
    cicp = said.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2:] == b"\0\1":  # RGB of full range; browsers ignore others, too
        return colourspace.profile_of_codes(cicp[0], cicp[1])
    if b"iCCP" in said:
        _, _, packed = said[b"iCCP"].partition(b"\0")
        return _unpacked(packed[1:])
    if b"sRGB" in said:
        return None
    exponent = 1e5 / max(_number(said.get(b"gAMA", b""), 0), 1)
    chromaticities = struct.unpack(">8I", said[b"cHRM"]) if len(said.get(b"cHRM", b"")) == 32 else None
    return colourspace.profile_of_chromaticities(
        None if chromaticities is None else tuple(number / 1e5 for number in chromaticities),
        exponent if 0.1 < exponent < 10 else None,
    )


def _unpacked(packed: bytes) -> bytes | None:
    """Return an ICC profile, unless it is broken or larger than any."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed, _MOST_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if unpacker.eof else None
