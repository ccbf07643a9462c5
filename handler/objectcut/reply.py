"""From a chosen cut-out to the answer its sender gets: the picture itself, or JSON around it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from objectcut import rle
from objectcut.accept import MEDIA_TYPES, negotiate
from objectcut.cutout import Cutout
from objectcut.encode import encode
from objectcut.errors import CutError
from objectcut.item import Answer, Job
from objectcut.labels import Labels
from objectcut.selection import Found


def picture(job: Job, chosen: Sequence[Found], cut: Cutout, labels: Labels, model: str) -> Answer:
    """The answer of `/cut`: a file when the sender wants one, else JSON with the file in base64."""
    wanted = negotiate(job.request, job.accept)
    encoded = encode(cut.image, wanted.format)
    headers = {
        "X-Object-Count": str(len(chosen)),
        "X-Object-Ids": ",".join(str(found.instance.id) for found in chosen),
        "X-Foreground-Box": ",".join(map(str, cut.box)),
    }
    if wanted.as_file:
        return Answer(encoded, MEDIA_TYPES[wanted.format], headers=headers)
    response = {
        "image_base64": base64.b64encode(encoded).decode("ascii"),
        "width": cut.image.width,
        "height": cut.image.height,
        "box": list(cut.box),
        "objects": [_described(found, labels) for found in chosen],
        "model": model,
    }
    return _json({"error": False, "response": response}, headers)


def listing(job: Job, chosen: Sequence[Found], labels: Labels, model: str) -> Answer:
    """The answer of `/detect`: every object with its mask."""
    width, height = job.preview.width, job.preview.height
    objects = [{**_described(found, labels), "mask": rle.encode(found.matte, width, height)} for found in chosen]
    return _json({"error": False, "response": {"width": width, "height": height, "model": model, "objects": objects}})


def failure(error: CutError, request_id: str) -> Answer:
    """The answer to a request that failed."""
    return Answer(error.body(request_id), "application/json", error.status, error.headers)


def _described(found: Found, labels: Labels) -> dict[str, Any]:
    return {
        "id": found.instance.id,
        "label": labels.classes[found.instance.label],
        "score": round(found.instance.score, 4),
        "box": list(found.matte.box),
        "area": found.matte.area,
    }


def _json(content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(json.dumps(content, separators=(",", ":")).encode(), "application/json", headers=headers or {})
