"""The one body that carries a request from the gateway to the handler."""

from __future__ import annotations

import pytest

from objectcut.errors import CutError
from objectcut.request import parse, wire
from objectcut.settings import Settings

PHOTO, BEHIND = b"\xff\xd8\xff\n a photo\n", b"\x89PNG\r\n\x1a\n\n\n"


@pytest.mark.parametrize("backdrop", [None, BEHIND])
def test_a_request_arrives_as_it_was_checked(backdrop: bytes | None) -> None:
    values = {"image_file": PHOTO, "objects": ["Zoë's\n cat"], "margin": "5%", "crop": True}
    values |= {"canvas": "4:5", "scale": 33.3, "position": "0 100", "rotate": -12.5, "shadow": "drop"}
    values["outline"] = "4 red"
    if backdrop is not None:
        values["background_image"] = backdrop
    asked = parse.from_values(values, "cut", Settings())
    assert asked.photo is not None
    body = wire.pack(asked.form(), asked.photo, asked.backdrop)
    assert parse.from_form(wire.unpack(body), "cut", Settings()) == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"{}",
        b"[]\nx",
        b'{"options": 1, "bytes": [1, 0]}\nx',
        b'{"options": {}, "bytes": "x"}\nx',
        b"[" * 9999,
    ],
)
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(CutError, match="Send a form"):
        wire.unpack(body)


def test_a_body_that_ends_too_early_has_no_photo() -> None:
    assert wire.unpack(wire.pack({"objects": "cat"}, PHOTO)[: -len(PHOTO)]) == {"objects": "cat"}
