"""The items of HEIC and AVIF files: how many pixels a decoder goes through for the main picture.

Owns the walk over the boxes and the count. A picture may be put together of others, of one as often as the file says,
and an AV1 item may hold any number of frames of any size, of which one is shown.

Format: ISO/IEC 14496-12 (boxes), 23008-12 (HEIF) and the AV1 Bitstream Specification, sections 5.3 to 5.5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_MOST = 1 << 14  # boxes in a box, items, parts of pictures: 48 megapixels of a phone have 200 tiles
_DEEPEST = 8  # pictures made of pictures
_MADE_OF_OTHERS = {b"grid", b"iden", b"iovl"}
_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6  # kinds of AV1's units (OBU)


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each box.

    Raises:
        ValueError: there are more than files have.
    """
    for _ in range(_MOST):
        if at + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size, start = struct.unpack_from(">Q", data, start)[0], start + 8
        stop = at + size if size else end
        if stop < start or stop > end:
            return
        yield name, start, stop
        at = stop
    raise ValueError("too many boxes")


def associations(data: bytes, at: int) -> Iterator[tuple[int, set[int]]]:
    """Item and its properties, counted from 1, of a box ipma.

    Raises:
        ValueError: there are more than files have.
        struct.error, IndexError: it is cut short.
    """
    version, wide = data[at], data[at + 3] & 1
    for _ in range(_bounded(struct.unpack_from(">I", data, at + 4)[0])):
        item = struct.unpack_from(">I" if version else ">H", data, at + 8)[0]
        at += 4 if version else 2
        listed = struct.unpack_from(f">{data[at + 8]}{'H' if wide else 'B'}", data, at + 9)
        at += 1 + len(listed) * (2 if wide else 1)
        yield item, {index & (0x7FFF if wide else 0x7F) for index in listed}


@dataclass
class _Items:
    """What the boxes say of the items, by their numbers.

    Attributes:
        main: number of the main picture.
        pixels: by the property ispe; none of their own for pictures that are made of others.
        parts: the items that a picture is made of, as often as it is, and its transparency.
        av1: offset and length of the pieces of each AV1 item.
    """

    main: int = 0
    pixels: dict[int, int] = field(default_factory=dict)
    parts: dict[int, list[int]] = field(default_factory=dict)
    av1: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


def decoded_pixels(data: bytes) -> int:
    """Return how many pixels a decoder goes through for the main picture and its transparency.

    Raises:
        ValueError, struct.error, IndexError: the boxes are broken, or more than files have.
    """
    items = _items(data)
    known: dict[int, int] = {}

    def count(item: int, depth: int) -> int:
        if depth > _DEEPEST:
            raise ValueError("pictures made of each other")
        if item not in known:
            own = _pixels_of_av1(_joined(data, items.av1[item])) if item in items.av1 else items.pixels.get(item, 0)
            known[item] = own + sum(count(part, depth + 1) for part in items.parts.get(item, ()))
        return known[item]

    return count(items.main, 0)


def _bounded(number: int) -> int:
    if number > _MOST:
        raise ValueError("too many")
    return number


def _items(data: bytes) -> _Items:
    (meta,) = (box for box in boxes(data, 0, len(data)) if box[0] == b"meta")
    items = _Items()
    inside = list(boxes(data, meta[1] + 4, meta[2]))
    own_data = next((start for name, start, _ in inside if name == b"idat"), 0)
    kinds: dict[int, bytes] = {}
    for name, start, end in inside:
        if name == b"pitm":
            items.main = struct.unpack_from(">I" if data[start] else ">H", data, start + 4)[0]
        elif name == b"iinf":
            kinds |= _kinds(data, start, end)
        elif name == b"iref":
            _read_parts(data, start, end, items.parts)
        elif name == b"iprp":
            _read_sizes(data, start, end, items.pixels)
    for name, start, _ in inside:
        if name == b"iloc":
            items.av1 |= {item: pieces for item, pieces in _places(data, start, own_data) if kinds.get(item) == b"av01"}
    for item in items.pixels.keys() & {item for item, kind in kinds.items() if kind in _MADE_OF_OTHERS}:
        items.pixels[item] = 0
    return items


def _kinds(data: bytes, start: int, end: int) -> dict[int, bytes]:
    found = {}
    for name, at, _ in boxes(data, start + (8 if data[start] else 6), end):
        if name == b"infe" and data[at] >= 2:
            item, kind = struct.unpack_from(">I2x4s" if data[at] > 2 else ">H2x4s", data, at + 4)
            found[item] = kind
    return found


def _read_parts(data: bytes, start: int, end: int, parts: dict[int, list[int]]) -> None:
    code = "I" if data[start] else "H"
    total = 0
    for name, at, _ in boxes(data, start + 4, end):
        item, count = struct.unpack_from(f">{code}H", data, at)
        total = _bounded(total + count)
        others = struct.unpack_from(f">{count}{code}", data, at + struct.calcsize(f">{code}H"))
        if name == b"dimg":
            parts.setdefault(item, []).extend(others)
        elif name == b"auxl":  # of another one
            for other in others:
                parts.setdefault(other, []).append(item)


def _read_sizes(data: bytes, start: int, end: int, pixels: dict[int, int]) -> None:
    inside = list(boxes(data, start, end))
    properties = [box for name, at, stop in inside if name == b"ipco" for box in boxes(data, at, stop)]
    areas = {
        index: width * height
        for index, (name, at, _) in enumerate(properties, start=1)
        if name == b"ispe"
        for width, height in (struct.unpack_from(">II", data, at + 4),)
    }
    for name, at, _ in inside:
        if name == b"ipma":
            for item, listed in associations(data, at):
                pixels[item] = max((pixels.get(item, 0), *(areas.get(index, 0) for index in listed)))


def _places(data: bytes, at: int, own_data: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Item, and offset and length of its pieces, of a box iloc."""
    version, sizes = data[at], data[at + 4 : at + 6]
    offset_bytes, length_bytes, base_bytes = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_bytes = sizes[1] & 15 if version else 0
    at += 6

    def number(size: int) -> int:
        nonlocal at
        if at + size > len(data):
            raise IndexError
        at += size
        return int.from_bytes(data[at - size : at], "big")

    total = 0
    for _ in range(_bounded(number(4 if version == 2 else 2))):
        item = number(4 if version == 2 else 2)
        origin = own_data if version and number(2) & 15 else 0
        number(2)
        base = origin + number(base_bytes)
        count = number(2)
        total = _bounded(total + count)
        pieces = []
        for _ in range(count):
            number(index_bytes)
            offset = base + number(offset_bytes)
            pieces.append((offset, number(length_bytes)))
        yield item, pieces


def _joined(data: bytes, pieces: list[tuple[int, int]]) -> bytes:
    if sum(length for _, length in pieces) > len(data):
        raise ValueError("pieces that overlap")
    return b"".join(data[offset : offset + length or None] for offset, length in pieces)


def _pixels_of_av1(stream: bytes) -> int:
    """Return the frames times the pixels of the largest one that the stream may have."""
    frames, largest, at = 0, 0, 0
    for _ in range(_MOST):
        if at >= len(stream):
            return frames * largest
        head = stream[at]
        kind, at = head >> 3 & 15, at + (2 if head & 4 else 1)
        size = len(stream) - at
        if head & 2:
            size, at = _leb128(stream, at)
        if kind == _SEQUENCE:
            largest = max(largest, _largest_frame(stream[at : at + size]))
        frames += kind in {_FRAME_HEADER, _FRAME}
        at += size
    raise ValueError("too many units")


def _leb128(stream: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        value |= (stream[at + index] & 127) << 7 * index
        if stream[at + index] < 128:
            return value, at + index + 1
    raise ValueError("a number without end")


def _largest_frame(header: bytes) -> int:
    """Return max_frame_width times max_frame_height of a sequence header."""
    bits = int.from_bytes(header[:64], "big")
    left = 8 * len(header[:64])

    def number(width: int) -> int:
        nonlocal left
        left -= width
        if left < 0:
            raise ValueError("cut short")
        return bits >> left & (1 << width) - 1

    number(4)  # profile, still picture
    if number(1):  # reduced_still_picture_header
        number(5)
    else:
        if number(1):
            raise ValueError("a clock")  # pictures have none
        delays = number(1)
        for _ in range(number(5) + 1):
            number(12)
            if number(5) > 7:  # level, with a tier
                number(1)
            if delays and number(1):
                number(4)
    width_bits, height_bits = number(4) + 1, number(4) + 1
    return (number(width_bits) + 1) * (number(height_bits) + 1)
