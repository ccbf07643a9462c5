"""Files that would cost a decoder far more than a photo of their size, and the error that each is refused with."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from imagefiles import chunk, segment, tags, with_chunks, with_segments

pillow_heif.register_heif_opener()  # so that Pillow writes HEIC


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A file of a picture, as Pillow writes it."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


SMALL = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
JPEG = encoded(SMALL, "JPEG", progressive=True)
GIF = encoded(SMALL.quantize(16), "GIF")
PALETTE = bytes(range(256)) * 4


def with_scans(data: bytes, more: int, junk: bytes = b"") -> bytes:
    """A JPEG file whose last scan is repeated, behind segments that a walk may lose its way in."""
    return data[:-2] + (junk + data[data.rindex(b"\xff\xda") : -2]) * more + data[-2:]


def large_jpeg(more: int) -> bytes:
    return with_scans(encoded(Image.new("RGB", (5000, 5000)), "JPEG", progressive=True), more)


def png_of(*chunks: bytes) -> bytes:
    return with_chunks(encoded(SMALL), *chunks)


def tiff_of(parts: int, tile: int = 0, depth: int = 8, kind: int = 1) -> bytes:
    """A TIFF file of 100 x 100 px, three colours, whose strips or tiles are all at the same place."""

    def entries(start: int) -> list[tuple[int, int, int, bytes]]:
        numbers = {256: 100, 257: 100, 259: 1, 262: 2, 277: 3, **({322: tile, 323: tile} if tile else {278: 1})}
        lists = {324: start, 325: 4096} if tile else {273: start, 279: 4096}
        longs = [(tag, 4, 1, struct.pack("<I", number)) for tag, number in numbers.items()]
        longs += [(tag, 4, parts, struct.pack("<I", number) * parts) for tag, number in lists.items()]
        shorts = [(tag, 3, 3, struct.pack("<3H", *[number] * 3)) for tag, number in ((258, depth), (339, kind))]
        return sorted(longs + shorts)

    return tags("<", entries(len(tags("<", entries(0))))) + bytes(4096)


def gif_of(screen: int, frame: int) -> bytes:
    """A GIF file of these sides, whose frame is to be cleared before the next one."""
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0) + b"\0\0\0\xff\0\0"
    control = b"!\xf9\4\x08\0\0\0\0"
    return head + control + b"," + struct.pack("<4HB", 0, 0, frame, frame, 0) + b"\2\2\x4c\1\0;"


def gif_after(before: bytes) -> bytes:
    """A GIF file with more blocks before its picture."""
    at = 13 + 3 * 16
    return GIF[:at] + before + GIF[at:]


def bmp_of(side: int, bits: int, compression: int, runs: bytes) -> bytes:
    palette = PALETTE[: 4 << bits]
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, bits, compression, len(runs), 0, 0, 0, 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + head + palette + runs


def heif_of(kind: str, *, copies: int = 1, tiles: tuple[int, int] | None = None, size: int = 1024) -> bytes:
    """A HEIC or AVIF file of a flat picture of 1024 x 1024 px.

    Args:
        copies: of the picture, one after the other in the same item.
        tiles: columns and rows of a grid of that picture, which is the main one then.
        size: that the main picture is said to have.
    """
    codec, config = {"HEIF": (b"hvc1", b"hvcC"), "AVIF": (b"av01", b"av1C")}[kind]
    usual = encoded(Image.new("RGB", (1024, 1024), "teal"), kind, quality=30)
    at = usual.index(config) - 4
    settings = usual[at : at + int.from_bytes(usual[at : at + 4], "big")]
    at = usual.index(b"mdat") + 4
    picture = usual[at : at - 8 + int.from_bytes(usual[at - 8 : at - 4], "big")] * copies
    columns, rows = tiles or (0, 0)
    grid = bytes([0, 1, max(rows - 1, 0), max(columns - 1, 0)]) + struct.pack(">II", size, size)

    def box(name: bytes, *content: bytes) -> bytes:
        return struct.pack(">I", 8 + sum(map(len, content))) + name + b"".join(content)

    own_size = size if tiles is None else 1024
    sizes = [box(b"ispe", bytes(4), struct.pack(">II", each, each)) for each in (own_size, size)]
    depths = box(b"pixi", bytes(4), b"\3\x08\x08\x08")
    of_items = struct.pack(">IHB3BHB2B", 2, 1, 3, 1, 0x83, 4, 2, 2, 2, 4)
    properties = box(b"iprp", box(b"ipco", *sizes, settings, depths), box(b"ipma", bytes(4), of_items))
    items = [
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), name, b"\0")
        for number, name in ((1, codec), (2, b"grid"))
    ]
    parts = box(b"dimg", struct.pack(f">{2 + columns * rows}H", 2, columns * rows, *[1] * columns * rows))
    head = box(b"ftyp", {"HEIF": b"heic", "AVIF": b"avif"}[kind], bytes(4), b"mif1miaf")

    def meta(start: int) -> bytes:
        places = struct.pack(">HHHIIHHHII", 1, 0, 1, start, len(picture), 2, 0, 1, start + len(picture), len(grid))
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", 1 if tiles is None else 2)),
            box(b"iinf", bytes(4), struct.pack(">H", 2), *items),
            box(b"iref", bytes(4), parts) if tiles else b"",
            box(b"iloc", bytes(4), b"\x44\0\0\2" + places),
            properties,
        )

    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", picture, grid)


def profile_of(steps: int) -> bytes:
    """An ICC profile whose way from RGB has that many steps, all of them the same one."""
    step = b"cvst" + bytes(4) + struct.pack(">HH", 3, 3) + struct.pack(">II", 36, 40) * 3
    step += b"curf" + bytes(4) + struct.pack(">HH", 1, 0) + b"parf" + bytes(8) + struct.pack(">4f", 1.01, 1, 0, 0)
    start = 16 + 8 * steps
    way = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, steps) + struct.pack(">II", start, len(step)) * steps + step
    white = struct.pack(">3i", 63190, 65536, 54061)
    content = way + b"XYZ " + bytes(4) + white
    rows = struct.pack(">I4sII4sII", 2, b"D2B0", 156, len(way), b"wtpt", 156 + len(way), 20)
    head = struct.pack(">I4xI4s4s4s12x4s28x", 156 + len(content), 0x04300000, b"mntr", b"RGB ", b"Lab ", b"acsp")
    return head + white + bytes(48) + rows + content


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "JPEG of 5,000 scans": (lambda: with_scans(JPEG, 5000), "unreadable_image"),
    "JPEG of 5,000 scans behind a marker without a length": (
        lambda: with_scans(JPEG, 5000, b"\xff\x01\xff\xf0"),
        "unreadable_image",
    ),
    "JPEG of 5,000 scans of all colours": (lambda: with_scans(encoded(SMALL, "JPEG"), 5000), "unreadable_image"),
    "large JPEG of 40 scans": (lambda: large_jpeg(30), "unreadable_image"),
    "JPEG of 1,000,000 segments": (lambda: with_segments(JPEG, segment(0xE5, b"") * 1_000_000), "unreadable_image"),
    "JPEG of 1,000,000 tables": (lambda: with_segments(JPEG, segment(0xDB, b"") * 1_000_000), "unreadable_image"),
    "PNG of 1,000,000 pieces": (lambda: png_of(chunk(b"IDAT", b"") * 1_000_000), "unreadable_image"),
    "PNG of 1,000,000 chunks": (lambda: png_of(chunk(b"abCd", b"") * 1_000_000), "unreadable_image"),
    "TIFF of 1,000,000 strips": (lambda: tiff_of(1_000_000), "unreadable_image"),
    "TIFF of 1,000,000 tiles": (lambda: tiff_of(1_000_000, tile=1), "unreadable_image"),
    "float TIFF of 1,000,000 strips": (lambda: tiff_of(1_000_000, depth=32, kind=3), "unreadable_image"),
    "GIF of 5,000,000 comments": (lambda: gif_after(b"!\xfe" + b"\1a" * 5_000_000 + b"\0"), "unreadable_image"),
    "GIF of 1,000,000 extensions": (lambda: gif_after(b"!\xfe\1a\0" * 1_000_000), "unreadable_image"),
    "GIF of 5,000,000 bytes between blocks": (lambda: gif_after(bytes(5_000_000)), "unreadable_image"),
    "GIF of a huge screen": (lambda: gif_of(65_535, 16), "image_too_large"),
    "GIF of a huge frame": (lambda: gif_of(16, 65_535), "image_too_large"),
    "BMP of 5,000,000 runs": (lambda: bmp_of(2000, 8, 1, b"\1\5" * 5_000_000), "unsupported_image"),
    "BMP of 5,000,000 steps": (lambda: bmp_of(64, 8, 1, b"\0\2\0\0" * 2_500_000), "unsupported_image"),
    "BMP of large runs of four bits": (lambda: bmp_of(5000, 4, 2, b"\xff\x12" * 98_100), "unsupported_image"),
    "AVIF of 5,000 frames": (lambda: heif_of("AVIF", copies=5000), "unreadable_image"),
    "AVIF of far more pixels than it says": (lambda: heif_of("AVIF", copies=5, size=64), "unreadable_image"),
    "HEIC of 10,000 tiles that are out of sight": (lambda: heif_of("HEIF", tiles=(100, 100)), "unreadable_image"),
    "AVIF of 10,000 tiles that are out of sight": (lambda: heif_of("AVIF", tiles=(100, 100)), "unreadable_image"),
}
"""Name to what makes the file, and the error's code."""
