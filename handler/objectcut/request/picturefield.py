"""What stands in a field that should hold a picture: bytes, base64 of them, or something that belongs elsewhere.

Also how long any other field may be, as what is longer is often a picture.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sized
from typing import Literal

from objectcut.errors import wrong_field
from objectcut.request.sniff import HEAD, image_kind

BACKDROP = "background_image"
"""The field of `/cut` with the other picture: a file in a form, base64 text anywhere."""

DOORS_PICTURES = ("image_file_b64", "bg_image_file", "file")
"""What other services call such fields, for whose programs the gateway has doors."""

PICTURES = ("image_file", "image_base64", BACKDROP, *DOORS_PICTURES)
"""The fields that hold a picture itself."""

MAX_TEXT = 65_536
"""Bytes, characters or items in any other field, and bytes of JSON beside its pictures. A hundred names of the longest
kind fit, in any script."""

_STANDARD = bytes.maketrans(b"-_", b"+/")  # from the URL-safe alphabet

Held = Literal["an image file", "base64 text", "a data: URL", "an address", "the name of a file"]
_PLACES: dict[Held, tuple[str, ...]] = {
    "an image file": ("image_file", BACKDROP),
    "base64 text": ("image_base64", BACKDROP),
    "a data: URL": ("image_base64", BACKDROP),
    "an address": ("image_url",),
}
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FILE_NAME = re.compile(r"@?[^\0-\x1f/:]+\.(jpe?g|png|webp|hei[cf]|avif|bmp|gif|tiff?)", re.IGNORECASE)


def decode_base64(text: object, field: str) -> bytes:
    """Return bytes from base64, standard or URL-safe, with or without padding, in lines or not, or from a `data:` URL.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    if not isinstance(text, str):
        raise wrong_field(field, "must be a base64 string")
    try:
        data = text.encode("ascii").lstrip()
        if data[:5].lower() == b"data:":
            head, comma, data = data[5:].partition(b",")
            if not comma:
                raise wrong_field(field, "is a data: URL without a comma and the data behind it")
            if head.rpartition(b";")[2].strip().lower() != b"base64":
                return unescaped(data, field)
        return _decoded(unescaped(data, field))
    except ValueError:
        raise wrong_field(field, "is not valid base64") from None


def unescaped(data: bytes, field: str) -> bytes:
    """Return the bytes of a picture without percent-escapes (RFC 3986).

    Raises:
        CutError: `invalid_request`, naming the field: an escape is broken.
    """
    if b"%" not in data:
        return data
    if _BROKEN_ESCAPE.search(data):
        raise wrong_field(field, "has a '%' without two hexadecimal digits behind it")
    # As quoted-printable, in one pass: urllib makes a list of all that stands between escapes.
    return binascii.a2b_qp(data.replace(b"=", b"%3D").replace(b"%", b"="))


def _decoded(data: bytes) -> bytes:
    packed = data.translate(_STANDARD, b" \t\r\n\v\f").rstrip(b"=")
    return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)


def holds(data: bytes) -> Held | None:
    """Return what these bytes evidently are, by their beginning; None where it cannot be told."""
    if image_kind(data):
        return "an image file"
    head = data[: 2 * HEAD].decode("utf-8", "replace").strip()
    if head[:5].lower() == "data:":
        return "a data: URL"
    if re.match(r"https?://", head, re.IGNORECASE):
        return "an address"
    if len(data) < HEAD and _FILE_NAME.fullmatch(head):
        return "the name of a file"
    packed = "".join(head.split())
    try:
        start = _decoded(packed[: len(packed) // 4 * 4].encode("ascii"))
    except ValueError:
        return None
    return "base64 text" if image_kind(start) else None


def is_base64(data: bytes) -> bool:
    """Return whether these bytes are evidently text that `decode_base64` takes."""
    return holds(data) in {"base64 text", "a data: URL"}


def misplaced(held: Held) -> str:
    """Return what to say of something that is not in its place."""
    if held == "the name of a file":
        return "holds the name of a file, not the file; curl sends the file with an @ before the name"
    return f"holds {held}, which belongs in '{_PLACES[held][0]}'"


def check_place(field: str, value: object) -> None:
    """Refuse what evidently belongs in another field.

    Raises:
        CutError: `invalid_request`.
    """
    if isinstance(value, str):
        value = value[: 2 * HEAD].encode("utf-8", "replace")
    held = holds(value) if isinstance(value, bytes) else None
    if held is None or field in _PLACES.get(held, ()):
        return
    if field == BACKDROP and held == "an address":
        raise wrong_field(field, "holds an address; send the picture itself, as a file or in base64")
    raise wrong_field(field, misplaced(held))


def check_length(field: str, value: object) -> None:
    """Refuse what is longer than `MAX_TEXT` in a field that holds no picture.

    Raises:
        CutError: `invalid_request`, which names the right field where this holds a picture.
    """
    if field in PICTURES or _length(value) <= MAX_TEXT:
        return
    check_place(field[:100], bytes(value) if isinstance(value, bytearray) else value)
    raise wrong_field(field[:100], f"is longer than {MAX_TEXT:,} characters")


def _length(value: object) -> int:
    """Return how many characters or items this has, and the characters of its items."""
    if not isinstance(value, Sized):
        return 0
    texts = value if isinstance(value, list | tuple) and len(value) <= MAX_TEXT else ()
    return len(value) + sum(len(text) for text in texts if isinstance(text, str))
