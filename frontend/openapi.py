"""What `/docs` and `/openapi.json` say of the two calls that take a photo, made from the options' own definitions."""

from __future__ import annotations

from typing import Any

from objectcut.errors import STATUS
from objectcut.request import CutOptions, DetectOptions

_ERRORS = (
    "invalid_request",
    "image_too_large",
    "unsupported_image",
    "object_not_found",
    "url_unreachable",
    "not_ready",
)
_ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {"type": "boolean", "const": True},
        "code": {"type": "string", "enum": list(STATUS)},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "request_id": {"type": "string"},
    },
}
_RAW_KINDS = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif", "application/octet-stream")


def _call(options: type[DetectOptions], success: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    schema = options.model_json_schema()
    fields = schema["properties"]
    url = {"image_url": {"type": "string", "format": "uri", "description": "a public address of the photo"}}
    text = {"image_base64": {"type": "string", "description": "the photo in base64, with or without a data: prefix"}}
    file = {"image_file": {"type": "string", "format": "binary", "description": "the photo"}}
    in_json = {"type": "object", "properties": {**url, **text, **fields}, "example": example}
    in_form = {"type": "object", "properties": {**file, **url, **text, **fields}}
    raw = {"schema": {"type": "string", "format": "binary"}}
    return {
        "description": "Exactly one photo: `image_url`, `image_base64` or `image_file`, or the photo itself as the "
        "body with the options in the query string.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": in_json},
                "multipart/form-data": {"schema": in_form},
                **dict.fromkeys(_RAW_KINDS, raw),
            },
        },
        "responses": {
            "200": success,
            **{
                str(STATUS[code]): {
                    "description": f"`{code}` and others, told by `code`",
                    "content": {"application/json": {"schema": _ERROR_SCHEMA}},
                }
                for code in _ERRORS
            },
        },
    }


_EXAMPLE = {"image_url": "https://example.org/cat.jpg", "objects": ["cat", "person"]}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
CUT = _call(
    CutOptions,
    {
        "description": "The picture itself when `Accept` asks for `image/*`, else JSON with `image_base64`.",
        "content": {"application/json": {}, "image/png": _PICTURE, "image/webp": _PICTURE, "image/jpeg": _PICTURE},
    },
    _EXAMPLE,
)
"""FastAPI's `openapi_extra` for `POST /cut`."""

DETECT = _call(
    DetectOptions,
    {
        "description": "The objects, best score first, each with its mask as COCO RLE.",
        "content": {"application/json": {}},
    },
    _EXAMPLE,
)
"""FastAPI's `openapi_extra` for `POST /detect`."""
