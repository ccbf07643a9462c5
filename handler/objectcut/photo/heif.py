"""HEIC and AVIF files: what their boxes say of the main picture, beside its pixels.

Owns its size, which decoders check only by their own limits, and its colours by number (nclx). The decoders turn the
picture by themselves (irot, imir); EXIF is not asked.

Format: ISO/IEC 14496-12 (boxes) and 23008-12 (HEIF).
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image

from objectcut.photo import colourspace, orientation
from objectcut.photo.source import Decoded, Source

pillow_heif.register_heif_opener()


@dataclass(frozen=True)
class _Main:
    """The main picture: width and height as stored, px, and the code points of its primaries and its curve."""

    size: tuple[int, int] | None = None
    colours: tuple[int, int] | None = None


def read(data: bytes, kind: str, check: Callable[[tuple[int, int]], None]) -> Source:
    """Read the header of a HEIC or AVIF file.

    Args:
        kind: `HEIF` or `AVIF`.
        check: is told width and height before a decoder sees the file.

    Raises:
        CutError: what `check` raises.
        Exception: whatever the plugin raises for a broken header.
    """
    main = _Main()
    with contextlib.suppress(struct.error, IndexError):
        main = _described(data)
    if main.size is not None:
        check(main.size)
    image = Image.open(io.BytesIO(_without_exif(data) if kind == "AVIF" else data), formats=(kind,))
    profile = image.info.get("icc_profile")
    if profile is None and main.colours is not None:
        profile = colourspace.profile_of_codes(*main.colours)

    def decode() -> Decoded:
        if kind == "HEIF" and image.mode == "RGB":  # Pillow would copy it twice
            heif = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
            return Decoded(np.array(heif))
        image.load()
        return Decoded(image)

    # Pillow tells how an AVIF file is to be turned as if by EXIF; libheif turns the pixels.
    turned = orientation.of_exif(image.info.get("exif")) if kind == "AVIF" else 1
    return Source(image.size, decode, orientation=turned or 1, profile=profile)


def _without_exif(data: bytes) -> bytes:
    """Return the file with its EXIF item renamed to one that no decoder knows: Pillow fails on a broken one."""
    for name, start, end in _boxes(data, 0, len(data)):
        if name == b"meta":
            return data[:start] + data[start:end].replace(b"Exif", b"skip") + data[end:]
    return data


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each box."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size, start = struct.unpack_from(">Q", data, start)[0], start + 8
        stop = at + size if size else end
        if stop < start or stop > end:
            return
        yield name, start, stop
        at = stop


def _described(data: bytes) -> _Main:
    meta = next((box for box in _boxes(data, 0, len(data)) if box[0] == b"meta"), None)
    if meta is None:
        return _Main()
    boxes = {name: (start, end) for name, start, end in _boxes(data, meta[1] + 4, meta[2])}
    if not {b"pitm", b"iprp"} <= set(boxes):
        return _Main()
    at = boxes[b"pitm"][0]
    item = struct.unpack_from(">I" if data[at] else ">H", data, at + 4)[0]
    properties: list[tuple[bytes, int, int]] = []
    of_item: set[int] = set()
    for name, start, end in _boxes(data, *boxes[b"iprp"]):
        if name == b"ipco":
            properties = list(_boxes(data, start, end))
        elif name == b"ipma":
            of_item |= _associated(data, start, item)

    size = colours = None
    for index, (name, start, end) in enumerate(properties, start=1):
        if index not in of_item:
            continue
        if name == b"ispe":
            size = struct.unpack_from(">II", data, start + 4)
        elif name == b"colr" and data[start : start + 4] == b"nclx" and end - start >= 8:
            colours = struct.unpack_from(">HH", data, start + 4)
    return _Main(size, colours)


def _associated(data: bytes, at: int, item: int) -> set[int]:
    """Return the properties of an item, counted from 1, by a box ipma."""
    version, wide = data[at], data[at + 3] & 1
    entries, at = struct.unpack_from(">I", data, at + 4)[0], at + 8
    for _ in range(entries):
        number, at = struct.unpack_from(">I" if version else ">H", data, at)[0], at + (4 if version else 2)
        count, at = data[at], at + 1
        listed = struct.unpack_from(f">{count}{'H' if wide else 'B'}", data, at)
        if number == item:
            return {index & (0x7FFF if wide else 0x7F) for index in listed}
        at += count * (2 if wide else 1)
    return set()
