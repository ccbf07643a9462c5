"""The first directory of a TIFF file: its tags and their values. EXIF data is such a file.

Owns the reading of single tags, so that one that is malformed does not hide the others, and the writing of a file anew
with other tags. Leaves their meaning to `orientation` and `tiff`.

Format: Adobe, TIFF Revision 6.0, section 2; BigTIFF has wider numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SHORT, LONG, LONG8 = 3, 4, 16
_NUMBERS = MappingProxyType({1: "B", SHORT: "H", LONG: "I", 6: "b", 8: "h", 9: "i", 13: "I", LONG8: "Q", 18: "Q"})
_SIZES = MappingProxyType(
    {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 18: 8}
)
# More than any photo needs: a damaged or hostile file may claim any number.
_MOST_ENTRIES = 4096
_MOST_NUMBERS = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One tag.

    Attributes:
        type, count: of the values, by the format's numbers.
        content: the values themselves, or what there is of them; a view of the file.
    """

    type: int
    count: int
    content: memoryview


@dataclass(frozen=True)
class Directory:
    """The tags of a directory; of one that occurs twice, the first.

    Attributes:
        order: `<` or `>`, as in `struct`.
        entries: tag number to tag.
    """

    order: str
    entries: Mapping[int, Entry]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the integers of a tag; none when it is missing, of another type or cut short."""
        entry = self.entries.get(tag)
        if entry is None or entry.type not in _NUMBERS:
            return ()
        code = _NUMBERS[entry.type]
        if entry.count > _MOST_NUMBERS or entry.count * struct.calcsize(code) > len(entry.content):
            return ()
        return struct.unpack_from(f"{self.order}{entry.count}{code}", entry.content)

    def number(self, tag: int, default: int) -> int:
        """Return the first integer of a tag."""
        return next(iter(self.numbers(tag)), default)

    def text(self, tag: int) -> str:
        """Return the text of a tag, empty when there is none."""
        entry = self.entries.get(tag)
        return "" if entry is None else bytes(entry.content[:256]).split(b"\0")[0].decode("latin-1")


def read(data: bytes, offset: int | None = None) -> Directory:
    """Return the directory at an offset of the file, by default the first one.

    Raises:
        ValueError: there is none.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ValueError("no byte order")
    try:
        version = struct.unpack_from(f"{order}H", data, 2)[0]
        big = version == 43
        if version not in {42, 43}:
            raise ValueError("no TIFF")
        if offset is None:
            offset = struct.unpack_from(f"{order}Q", data, 8)[0] if big else struct.unpack_from(f"{order}I", data, 4)[0]
        assert offset is not None
        count = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, offset)[0]
    except struct.error as error:
        raise ValueError("cut short") from error
    layout = struct.Struct(f"{order}HHQ8s" if big else f"{order}HHI4s")
    start = offset + (8 if big else 2)
    entries: dict[int, Entry] = {}
    for at in range(start, start + min(count, _MOST_ENTRIES) * layout.size, layout.size):
        if at + layout.size > len(data):
            break
        tag, kind, number, value = layout.unpack_from(data, at)
        size = _SIZES.get(kind, 0) * number
        content = memoryview(value)[:size]
        if size > len(value):
            where = struct.unpack(f"{order}{'Q' if big else 'I'}", value)[0]
            content = memoryview(data)[where : where + size]
        entries.setdefault(tag, Entry(kind, number, content))
    return Directory(order, entries)


def rewritten(data: bytes, directory: Directory, tags: Mapping[int, Entry]) -> bytes:
    """Return the file with these tags as its only directory; no BigTIFF, which Pillow reads in one byte order only.

    What the tags point to stays where it is.
    """
    order = directory.order
    parts = [data[:2], b"", data[8:], bytes(-len(data) % 2)]
    at = len(data) + len(data) % 2
    rows: list[bytes] = []
    for tag, entry in sorted(tags.items()):
        if entry.type == LONG8:
            entry = of_numbers(directory, Directory(order, tags).numbers(tag))
        value = bytes(entry.content)
        if len(value) > 4:
            parts += [value, bytes(len(value) % 2)]
            value, at = struct.pack(f"{order}I", at), at + len(value) + len(value) % 2
        rows.append(struct.pack(f"{order}HHI4s", tag, entry.type, entry.count, value))
    parts[1] = struct.pack(f"{order}HI", 42, at)
    return b"".join([*parts, struct.pack(f"{order}H", len(rows)), *rows, bytes(4)])


def of_numbers(directory: Directory, values: tuple[int, ...]) -> Entry:
    """Return a tag that holds these integers, as far as there are files so large."""
    packed = struct.pack(f"{directory.order}{len(values)}I", *(min(value, 0xFFFFFFFF) for value in values))
    return Entry(LONG, len(values), memoryview(packed))
