"""From a chosen cut-out to the answer its sender gets: the picture itself, or JSON around it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from objectcut import rle
from objectcut.cutout import Cutout
from objectcut.encode import MEDIA_TYPES, encode, negotiate
from objectcut.errors import CutError
from objectcut.item import Answer, Job
from objectcut.labels import Labels
from objectcut.selection import Found


def picture(job: Job, chosen: Sequence[Found], cut: Cutout, labels: Labels, model: str) -> Answer:
    """The answer of `/cut`: a file when the sender accepts it, else JSON with the file in base64."""
    kind = negotiate(job.request.options, job.accept)
    encoded = encode(cut.image, kind)
    headers = {"X-Object-Count": str(len(chosen)), "X-Foreground-Box": ",".join(map(str, cut.box))}
    if _wants_file(job.accept, MEDIA_TYPES[kind]):
        return Answer(encoded, MEDIA_TYPES[kind], headers=headers)
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


def _wants_file(accept: str, media_type: str) -> bool:
    """Whether pictures are accepted, which a ZIP of them passes for, or files of this very type."""
    return any(entry.strip().startswith(("image/", media_type)) for entry in accept.lower().split(","))


def _json(content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(json.dumps(content, separators=(",", ":")).encode(), "application/json", headers=headers or {})
