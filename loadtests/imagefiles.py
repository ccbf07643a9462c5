"""Image files put together byte by byte, for what Pillow does not write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import tifffile
from numpy.typing import NDArray

ORIENTATION = 0x0112
_EXIF_TAGS = (0x010F, 0x0110, ORIENTATION, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x8769, 0x8825)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG file of the given header; rows with their filter byte; chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """A PNG file with more chunks, before its pixels."""
    return data[:33] + b"".join(chunks) + data[33:]


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def with_segments(data: bytes, *segments: bytes) -> bytes:
    """A JPEG file with more segments, at its start."""
    return data[:2] + b"".join(segments) + data[2:]


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    """A TIFF file of these values; options as tifffile has them."""
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def tags(order: str, entries: list[tuple[int, int, int, bytes]]) -> bytes:
    """A TIFF file of nothing but tags, as EXIF data is: number, type, count and content of each."""
    at = 10 + 12 * len(entries) + 4
    rows, tail = [], b""
    for tag, kind, count, content in entries:
        value = content.ljust(4, b"\0")
        if len(value) > 4:
            value = struct.pack(f"{order}I", at + len(tail))
            tail += content + bytes(len(content) % 2)
        rows.append(struct.pack(f"{order}HHI4s", tag, kind, count, value))
    start = b"II*\0" if order == "<" else b"MM\0*"
    head = start + struct.pack(f"{order}IH", 8, len(entries))
    return head + b"".join(rows) + bytes(4) + tail


def exif(order: str, orientation: int, kind: int = 3, count: int = 1) -> bytes:
    """EXIF data as phones write it, with an orientation of any type."""
    width = {1: "B", 3: "H", 4: "I", 9: "i"}.get(kind, "H")
    contents = {
        0x010F: (2, 5, b"ACME\0"),
        0x0110: (2, 8, b"Phone 1\0"),
        ORIENTATION: (kind, count, struct.pack(f"{order}{width}", orientation)),
        0x011A: (5, 1, struct.pack(f"{order}II", 72, 1)),
        0x011B: (5, 1, struct.pack(f"{order}II", 72, 1)),
        0x0128: (3, 1, struct.pack(f"{order}H", 2)),
        0x0131: (2, 4, b"1.0\0"),
        0x0132: (2, 20, b"2024:01:01 00:00:00\0"),
        0x8769: (4, 1, struct.pack(f"{order}I", 8)),  # of the camera: this directory again
        0x8825: (4, 1, struct.pack(f"{order}I", 8)),  # of the place
    }
    return tags(order, [(tag, *contents[tag]) for tag in _EXIF_TAGS])


def spoilt(data: bytes) -> Iterator[tuple[int, bytes]]:
    """EXIF data or a TIFF file with each tag of its first directory spoilt in turn, in six ways; with the tag's number.

    The type becomes text, a fraction or an unknown one; the count huge; the value points beyond the end or is nonsense.
    """
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack_from(f"{order}I", data, 4)[0]
    for entry in range(struct.unpack_from(f"{order}H", data, start)[0]):
        at = start + 2 + 12 * entry
        tag = struct.unpack_from(f"{order}H", data, at)[0]
        for offset, value in (
            (2, struct.pack(f"{order}H", 2)),
            (2, struct.pack(f"{order}H", 5)),
            (2, struct.pack(f"{order}H", 99)),
            (4, struct.pack(f"{order}I", 0x7FFFFFFF)),
            (4, struct.pack(f"{order}II", 900, len(data) + 9)),
            (8, b"\xff\xfe\xfd\xfc"),
        ):
            yield tag, data[: at + offset] + value + data[at + offset + len(value) :]
