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
        big: whether the file is a BigTIFF.
        entries: tag number to tag.
    """

    order: str
    big: bool
    entries: Mapping[int, Entry]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The integers of a tag; none when it is missing, of another type or cut short."""
        entry = self.entries.get(tag)
        if entry is None or entry.type not in _NUMBERS:
            return ()
        code = _NUMBERS[entry.type]
        if entry.count > _MOST_NUMBERS or entry.count * struct.calcsize(code) > len(entry.content):
            return ()
        return struct.unpack_from(f"{self.order}{entry.count}{code}", entry.content)

    def number(self, tag: int, default: int) -> int:
        """The first integer of a tag."""
        return next(iter(self.numbers(tag)), default)

    def text(self, tag: int) -> str:
        """The text of a tag, empty when there is none."""
        entry = self.entries.get(tag)
        return "" if entry is None else bytes(entry.content[:256]).split(b"\0")[0].decode("latin-1")


def read(data: bytes, offset: int | None = None) -> Directory:
    """The directory at an offset of the file, by default the first one.

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
    return Directory(order, big, entries)


def rewritten(data: bytes, directory: Directory, tags: Mapping[int, Entry]) -> bytes:
    """The file with these tags instead of its own, in one directory. What the tags point to stays where it is."""
    order, big = directory.order, directory.big
    parts = [data, bytes(-len(data) % 8)]
    at = len(data) + len(parts[1])
    rows: list[bytes] = []
    width = 8 if big else 4
    for tag, entry in sorted(tags.items()):
        value = bytes(entry.content)
        if len(value) > width:
            parts += [value, bytes(-len(value) % 8)]
            value, at = struct.pack(f"{order}{'Q' if big else 'I'}", at), at + len(value) + len(parts[-1])
        rows.append(struct.pack(f"{order}HH{'Q8s' if big else 'I4s'}", tag, entry.type, entry.count, value))
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, at) if big else struct.pack(f"{order}HI", 42, at)
    parts[0] = data[:2] + head + data[2 + len(head) :]
    count = struct.pack(f"{order}{'Q' if big else 'H'}", len(rows))
    return b"".join([*parts, count, *rows, bytes(width)])


def entry(directory: Directory, values: tuple[int, ...]) -> Entry:
    """A tag that holds these integers."""
    kind = LONG8 if directory.big else LONG
    return Entry(kind, len(values), memoryview(struct.pack(f"{directory.order}{len(values)}{_NUMBERS[kind]}", *values)))
