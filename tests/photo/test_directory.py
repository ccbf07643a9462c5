from __future__ import annotations

import struct

import pytest

from imagefiles import tags
from objectcut.photo import directory
from objectcut.photo.directory import Directory


def read(order: str, *entries: tuple[int, int, int, bytes]) -> Directory:
    return directory.read(tags(order, list(entries)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        (1, "B", (7,)),
        (3, "H", (1, 2)),
        (3, "H", (1, 2, 3)),
        (4, "I", (70_000,)),
        (8, "h", (-5,)),
        (9, "i", (-70_000, 5)),
    ],
)
def test_numbers(order, kind, code, values):
    found = read(order, (256, kind, len(values), struct.pack(f"{order}{len(values)}{code}", *values)))
    assert found.numbers(256) == values
    assert found.number(256, 0) == values[0]


@pytest.mark.parametrize(
    ("kind", "count", "content"),
    [(2, 3, b"12\0"), (5, 1, bytes(8)), (99, 1, b"1"), (4, 0x7FFFFFFF, bytes(8)), (3, 0, b""), (3, 9, b"12345678")],
)
def test_numbers_that_are_none(kind, count, content):
    found = read("<", (256, kind, count, content))
    assert found.numbers(256) == ()
    assert found.number(256, 5) == 5


def test_of_a_tag_that_occurs_twice_the_first_counts():
    assert read("<", (256, 3, 1, b"\1\0"), (256, 3, 1, b"\2\0")).numbers(256) == (1,)


def test_text():
    found = read(">", (271, 2, 10, b"NIKON\0JUNK"))
    assert found.text(271) == "NIKON"
    assert found.text(272) == ""


@pytest.mark.parametrize(
    "data", [b"", b"II", b"II*\0", b"XX*\0\x08\0\0\0\0\0", b"II\0\0\x08\0\0\0\0\0", b"MM\0*\xff\xff\xff\xff"]
)
def test_no_directory(data):
    with pytest.raises(ValueError, match=r"byte order|TIFF|short"):
        directory.read(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_with_other_tags(order):
    data = tags(order, [(256, 3, 1, struct.pack(f"{order}H", 5)), (271, 2, 9, b"ACME LTD\0"), (305, 2, 3, b"1.0")])
    old = directory.read(data)
    new = directory.rewritten(data, old, {271: old.entries[271], 273: directory.of_numbers(old, (9, 8, 7))})
    assert new[8 : len(data)] == data[8:]
    found = directory.read(new)
    assert (found.text(271), found.numbers(273), set(found.entries)) == ("ACME LTD", (9, 8, 7), {271, 273})
