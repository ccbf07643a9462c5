"""HEIC and AVIF files: what their boxes say of the main picture, beside its pixels.

Owns its size, which decoders check only by their own limits, and its colours by number (nclx). The decoders turn the
picture by themselves (irot, imir); EXIF is not asked.

Format: ISO/IEC 14496-12 (boxes) and 23008-12 (HEIF).
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image

from objectcut.photo import colourspace, heifitems, kinds, orientation
from objectcut.photo.source import Decoded, Source

pillow_heif.register_heif_opener()

# Tiles go on beyond the edges, transparency is a picture of its own, and AVIF may have a coarse one first.
_MOST_TIMES = 4
_FEW_PIXELS = 4_000_000


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
        CutError: what `check` raises; `unreadable_image` for a file whose decoder would go through far more pixels.
        Exception: whatever the plugin raises for a broken header.
    """
    main = _Main()
    with contextlib.suppress(struct.error, IndexError):
        main = _described(data)
    if main.size is not None:
        check(main.size)
    image = Image.open(io.BytesIO(_still(data) if kind == "AVIF" else data), formats=(kind,))
    if heifitems.decoded_pixels(data) > max(_MOST_TIMES * image.width * image.height, _FEW_PIXELS):
        raise kinds.unreadable()
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


def _still(data: bytes) -> bytes:
    """Return the file with the names of some parts replaced by ones that no decoder knows.

    They are the EXIF item, for Pillow fails on a broken one, and the animation: the main picture is its first one.
    """
    parts = bytearray(data)
    for name, start, end in heifitems.boxes(data, 0, len(data)):
        if name == b"meta":
            parts[start:end] = data[start:end].replace(b"Exif", b"skip")
        elif name == b"ftyp":
            parts[start:end] = data[start:end].replace(b"avis", b"avif")
        elif name == b"moov":
            parts[start - 4 : start] = b"skip"
    return bytes(parts)


def _described(data: bytes) -> _Main:
    meta = next((box for box in heifitems.boxes(data, 0, len(data)) if box[0] == b"meta"), None)
    if meta is None:
        return _Main()
    boxes = {name: (start, end) for name, start, end in heifitems.boxes(data, meta[1] + 4, meta[2])}
    if not {b"pitm", b"iprp"} <= set(boxes):
        return _Main()
    at = boxes[b"pitm"][0]
    item = struct.unpack_from(">I" if data[at] else ">H", data, at + 4)[0]
    properties: list[tuple[bytes, int, int]] = []
    of_item: set[int] = set()
    for name, start, end in heifitems.boxes(data, *boxes[b"iprp"]):
        if name == b"ipco":
            properties = list(heifitems.boxes(data, start, end))
        elif name == b"ipma":
            of_item |= next((listed for number, listed in heifitems.associations(data, start) if number == item), set())

    size = colours = None
    for index, (name, start, end) in enumerate(properties, start=1):
        if index not in of_item:
            continue
        if name == b"ispe":
            size = struct.unpack_from(">II", data, start + 4)
        elif name == b"colr" and data[start : start + 4] == b"nclx" and end - start >= 8:
            colours = struct.unpack_from(">HH", data, start + 4)
    return _Main(size, colours)
