"""Real image files of every accepted kind, and damage done to them.

Owns what a damaged file can look like. The same generator of random numbers makes the same files.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pillow_heif
from PIL import Image, ImageCms

from benchmark.photos import photographs

_SIZE = 160, 120  # px; small, so that damage meets more than pixels
_HEADER = 400  # bytes, where most of what a decoder believes stands
_LONGEST = 1_000_000  # bytes of a damaged file
# At the ends of the ranges that readers keep lengths in.
_LENGTHS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_PNG = b"\x89PNG\r\n\x1a\n"


def originals() -> dict[str, bytes]:
    """Return a whole file of each kind, by name."""
    pillow_heif.register_heif_opener()  # so that Pillow writes HEIC
    woman, cat = (image.resize(_SIZE) for image in photographs()[:2])
    clear = woman.copy()
    clear.putalpha(cat.convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    described: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    return {
        "JPEG": _file(woman, "JPEG", **described),
        "progressive JPEG": _file(cat, "JPEG", progressive=True, **described),
        "CMYK JPEG": _file(woman.convert("CMYK"), "JPEG"),
        "PNG": _file(clear, "PNG", **described),
        "PNG with a palette": _file(cat.quantize(64), "PNG", transparency=3),
        "PNG of 16 bits": _file(woman.convert("I;16"), "PNG"),
        "WebP": _file(clear, "WEBP", **described),
        "lossless WebP": _file(cat, "WEBP", lossless=True),
        "HEIC": _file(woman, "HEIF", **described),
        "AVIF": _file(woman, "AVIF", **described),
        "BMP": _file(woman, "BMP"),
        "GIF": _file(woman, "GIF", save_all=True, append_images=[cat]),
        "TIFF": _file(woman, "TIFF", **described),
        "packed TIFF": _file(woman, "TIFF", compression="tiff_lzw"),
        "TIFF with JPEG": _file(woman, "TIFF", compression="jpeg"),
    }


def damaged(data: bytes, others: list[bytes], rng: Random) -> bytes:
    """Return the file with one to three damages, at most 1 MB."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):  # after several, most files are not read beyond their header
        data = rng.choice(_DAMAGES)(data, others, rng)[:_LONGEST]
    # Checksums would keep readers from seeing most of it.
    return _with_right_sums(data) if data.startswith(_PNG) and rng.random() < 0.7 else data


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _place(data: bytes, rng: Random) -> int:
    """Return an offset, half of the time in the header."""
    return rng.randrange(max(1, min(len(data), _HEADER) if rng.random() < 0.5 else len(data)))


def _span(data: bytes, rng: Random) -> tuple[int, int]:
    start = _place(data, rng)
    return start, min(len(data), start + int(2 ** rng.uniform(0, 13)))


def _flip(data: bytes, _others: list[bytes], rng: Random) -> bytes:
    out = bytearray(data)
    for _ in range(min(len(out), rng.randint(1, 8))):
        out[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(data: bytes, _others: list[bytes], rng: Random) -> bytes:
    return data[: _place(data, rng)]


def _splice(data: bytes, others: list[bytes], rng: Random) -> bytes:
    """The beginning of this file, and the end of another, or of one of the same kind."""
    other = rng.choice([data, *others])
    return data[: _place(data, rng)] + other[_place(other, rng) :]


def _repeat(data: bytes, _others: list[bytes], rng: Random) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 2, 10, 100)) + data[end:]


def _drop(data: bytes, _others: list[bytes], rng: Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _length(data: bytes, _others: list[bytes], rng: Random) -> bytes:
    """Another number in the place of what may be a length, of any width and byte order."""
    format_ = rng.choice((">H", "<H", ">I", "<I"))
    width = struct.calcsize(format_)
    number = rng.choice((*_LENGTHS, len(data) - 1, len(data), len(data) + 1)) % 256**width
    at = _place(data, rng)
    return data[:at] + struct.pack(format_, number) + data[at + width :]


_DAMAGES: tuple[Callable[[bytes, list[bytes], Random], bytes], ...] = (
    _flip,
    _flip,
    _cut,
    _splice,
    _repeat,
    _drop,
    _length,
)


def _with_right_sums(data: bytes) -> bytes:
    """A PNG file whose chunks have the checksums of what is in them."""
    out, at = bytearray(data), len(_PNG)
    while at + 12 <= len(out):
        end = at + 8 + struct.unpack_from(">I", out, at)[0]
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)
