"""From a chosen cut-out to the answer its sender gets: the picture itself, or JSON around it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from objectcut.edges.matte import Extent, Found
from objectcut.errors import CutError
from objectcut.instance import UNNAMED
from objectcut.item import Answer, Job, Order
from objectcut.picture import rle
from objectcut.picture.compose import Cutout
from objectcut.picture.encode import encode
from objectcut.request.accept import MEDIA_TYPES, negotiate
from objectcut.request.labels import Labels
from objectcut.worker.spread import Spread

_NAMES = 4000  # characters of a header with names: at 8,190 the gateway's HTTP client takes the answer for a broken one


def picture(
    order: Order, chosen: Sequence[Extent], cut: Cutout, labels: Labels, model: str, spread: Spread = map
) -> Answer:
    """Return the answer of `/cut`: a file when the sender wants one, else JSON with the file in base64."""
    wanted = negotiate(order.request, order.accept)
    encoded = encode(cut.pixels, wanted.format, spread)
    headers = {
        "X-Object-Count": str(len(chosen)),
        "X-Object-Ids": ",".join(str(extent.instance.id) for extent in chosen),
        "X-Object-Labels": _header_names(chosen, labels),
        "X-Foreground-Box": ",".join(map(str, cut.box)),
        "X-Width": str(cut.pixels.shape[1]),
        "X-Height": str(cut.pixels.shape[0]),
    }
    if wanted.as_file:
        return Answer(encoded, MEDIA_TYPES[wanted.format], headers=headers)
    response = {
        "width": cut.pixels.shape[1],
        "height": cut.pixels.shape[0],
        "box": list(cut.box),
        "objects": [described(extent, labels) for extent in chosen],
        "model": model,
    }
    # Put together by hand: a serialiser would copy the picture several times.
    start = b'{"error":false,"response":{"image_base64":"'
    body = b"".join([start, base64.b64encode(encoded), b'",', _dumped(response)[1:], b"}"])
    return Answer(body, "application/json", headers=headers)


def listing(job: Job, found: Iterable[Found], labels: Labels, model: str) -> Answer:
    """Return the answer of `/detect`: every object with its mask."""
    width, height = job.preview.width, job.preview.height
    objects = [
        {**described(each.extent, labels), "mask": rle.encode(each.matte, width, height)}
        for each in found
        if each.matte.area
    ]
    response = {"width": width, "height": height, "model": model, "objects": objects}
    return Answer(_dumped({"error": False, "response": response}), "application/json")


def failure(error: CutError, request_id: str) -> Answer:
    """Return the answer to a request that failed."""
    return Answer(error.body(request_id), "application/json", error.status, error.headers)


def described(extent: Extent, labels: Labels) -> dict[str, Any]:
    """Return what the answer tells of an object; the label is null where a box was given."""
    return {
        "id": extent.instance.id,
        "label": None if extent.instance.label == UNNAMED else labels.classes[extent.instance.label],
        "score": round(extent.instance.score, 4),
        "box": list(extent.box),
        "area": extent.area,
    }


def _header_names(chosen: Sequence[Extent], labels: Labels) -> str:
    """Return the names of the first objects, as many as a header can hold; empty where a box was given."""
    found = (extent.instance.label for extent in chosen)
    names = ("" if label == UNNAMED else quote(labels.classes[label], safe=" ") for label in found)
    text, length = [], 0
    for name in names:
        length += len(name) + 1
        if length > _NAMES:
            break
        text.append(name)
    return ",".join(text)


def _dumped(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
