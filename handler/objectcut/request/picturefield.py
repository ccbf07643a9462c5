"""What stands in a field that should hold a picture: bytes, base64 of them, or something that belongs elsewhere."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal
from urllib.parse import unquote, unquote_to_bytes

from objectcut.errors import wrong_field
from objectcut.request.sniff import HEAD, image_kind

BACKDROP = "background_image"
"""The field of `/cut` with the other picture: a file in a form, base64 text anywhere."""

Held = Literal["an image file", "base64 text", "a data: URL", "an address", "the name of a file"]
_PLACES: dict[Held, tuple[str, ...]] = {
    "an image file": ("image_file", BACKDROP),
    "base64 text": ("image_base64", BACKDROP),
    "a data: URL": ("image_base64", BACKDROP),
    "an address": ("image_url",),
}
_FILE_NAME = re.compile(r"@?[^\0-\x1f/:]+\.(jpe?g|png|webp|hei[cf]|avif|bmp|gif|tiff?)", re.IGNORECASE)


def decode_base64(text: object, field: str) -> bytes:
    """Return bytes from base64, standard or URL-safe, with or without padding, in lines or not, or from a `data:` URL.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    if not isinstance(text, str):
        raise wrong_field(field, "must be a base64 string")
    text = text.lstrip()
    if text[:5].lower() == "data:":
        head, comma, text = text[5:].partition(",")
        if not comma:
            raise wrong_field(field, "is a data: URL without a comma and the data behind it")
        if not re.search(r";\s*base64\s*$", head, re.IGNORECASE):
            return unquote_to_bytes(text)
    if "%" in text:
        text = unquote(text)
    try:
        return _decoded("".join(text.split()))
    except (binascii.Error, ValueError):
        raise wrong_field(field, "is not valid base64") from None


def _decoded(text: str) -> bytes:
    packed = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)


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
        start = _decoded(packed[: len(packed) // 4 * 4])
    except (binascii.Error, ValueError):
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
