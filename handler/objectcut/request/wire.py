"""A checked request on its way from the gateway to the handler, as one body that TorchServe passes on as it is.

TorchServe's own parser of forms is slow with large files: `make bench` sends photos both ways. A line of JSON tells the
options and how long the photo and the picture behind it are; both follow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from objectcut.errors import CutError
from objectcut.request.picturefield import BACKDROP

MEDIA_TYPE = "application/vnd.objectcut.request"
_PICTURES = ("image_file", BACKDROP)


def pack(options: Mapping[str, str], photo: bytes, backdrop: bytes | None = None) -> bytes:
    """Return the body.

    Args:
        options: as `CutRequest.form` gives them.
        photo: encoded, as it was sent.
        backdrop: likewise, where there is one.
    """
    pictures = (photo, backdrop or b"")
    head = {"options": options, "bytes": [len(picture) for picture in pictures]}
    return b"".join((json.dumps(head).encode(), b"\n", *pictures))


def unpack(body: bytes | bytearray) -> dict[str, str | bytes]:
    """Return the fields of the form that the body stands for; a picture without bytes is none.

    Raises:
        CutError: `invalid_request`: somebody else made the body.
    """
    end = body.find(b"\n")
    try:
        head = json.loads(body[: max(end, 0)])
        fields: dict[str, str | bytes] = {name: str(value) for name, value in head["options"].items()}
        first, second = map(int, head["bytes"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise CutError("invalid_request", f"The body is none of {MEDIA_TYPE}. Send a form.") from None
    rest = memoryview(body)[end + 1 :]  # large: copied once
    for name, picture in zip(_PICTURES, (rest[:first], rest[first : first + second]), strict=True):
        if picture:
            fields[name] = bytes(picture)
    return fields
