"""From the bytes of a JSON body to its fields.

Owns what they may cost: pictures are cut out of the text first, so that whatever else is in it can be bounded before
anything is built of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import chain
from typing import Any

from objectcut.errors import CutError, wrong_field
from objectcut.request.picturefield import MAX_TEXT

# Base64 has no quotes, so a picture ends at the first one, and the text behind another one that was escaped is no JSON.
_PICTURE = re.compile(rb'"(image_base64|background_image|image_file_b64|bg_image_file)"\s*:\s*"([^"]*)')
# Those that encoders write into base64: line breaks, "/" as PHP does, and codes of "+", "/" and "=".
_ESCAPES = (rb"\n", rb"\r", rb"\t", rb"\u")


def parsed(body: bytes | bytearray) -> object:
    """Return what the JSON holds (RFC 8259: in UTF-8), pictures as the base64 text that was sent.

    Raises:
        CutError: `invalid_request`: no JSON, a field twice, or more than `MAX_TEXT` bytes beside the pictures.
    """
    spans: dict[str, tuple[int, int]] = {}
    for found in _PICTURE.finditer(body):
        name = found[1].decode()
        if name in spans:
            raise _repeated(name)
        spans[name] = found.span(2)
    size = len(body) - sum(end - begin for begin, end in spans.values())
    if size > MAX_TEXT:
        raise CutError(
            "invalid_request",
            f"The JSON has {size:,} bytes beside 'image_base64' and 'background_image'; at most {MAX_TEXT:,} are "
            "accepted.",
            details={"bytes": size, "max_bytes": MAX_TEXT},
        )
    edges = [0, *chain.from_iterable(spans.values()), len(body)]
    text = b"".join(body[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True))
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise CutError("invalid_request", "The body is not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        return value
    return {**value, **{name: _text(bytes(body[begin:end]), name) for name, (begin, end) in spans.items()}}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _repeated(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return fields


def _repeated(name: str) -> CutError:
    return wrong_field(name[:100], "was sent several times")


def _text(raw: bytes, field: str) -> str:
    """Return the text of a JSON string with a picture. What is not ASCII comes out as something that is no base64."""
    if b"\\" not in raw:
        return raw.decode("latin-1")
    text = raw.replace(rb"\/", b"/")
    escapes = raw.count(b"\\") - (len(raw) - len(text))
    if not escapes:
        return text.decode("latin-1")
    # JSON's own decoder makes an object of each piece between two escapes, and a hostile text has millions.
    try:
        if escapes == sum(map(text.count, _ESCAPES)):
            return text.decode("unicode_escape")
    except UnicodeDecodeError:
        pass
    raise wrong_field(field, "is not valid base64")
