"""What `/docs` and `/openapi.json` say of the calls, made from the options' own definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

from gateway.body import PACKINGS
from gateway.rembg import RembgFields
from gateway.removebg import NO_PHOTO, RemoveBgFields, theirs
from objectcut.errors import STATUS
from objectcut.request.options import CutOptions, DetectOptions
from objectcut.request.picturefield import BACKDROP

_BINARY = {"type": "string", "format": "binary"}
_WHOLE = {"type": "integer"}
_BOX = {
    "type": "array",
    "items": _WHOLE,
    "minItems": 4,
    "maxItems": 4,
    "description": "x0, y0, x1, y1 in px, half-open",
}
_OBJECT = {
    "id": {**_WHOLE, "description": "what `pick` of /cut takes for the same photo and model, but for boxes"},
    "label": {"type": ["string", "null"], "description": "name of the class; null for what was given as a box"},
    "score": {"type": "number", "description": "0 to 1; 1 for what was given as a box"},
    "box": _BOX,
    "area": {**_WHOLE, "description": "px"},
}
_RLE = {
    "type": "object",
    "description": "compressed COCO run lengths",
    "properties": {"size": {"type": "array", "items": _WHOLE}, "counts": {"type": "string"}},
}
_RAW_KINDS = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif", "application/octet-stream")
_MADE_KINDS = ("image/png", "image/webp", "image/jpeg", "application/zip")
_EVERY_CALL = ("internal", "not_ready", "overloaded")
_EVERY_PHOTO = (
    *("invalid_request", "unknown_object", "unreadable_image", "url_refused", "image_too_large", "body_too_large"),
    *("unsupported_image", "url_unreachable", "unknown_model", "unauthorized", "rate_limited"),
)
_EVERY_CUT = (*_EVERY_PHOTO, "object_not_found")


def errors(*codes: str) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for a call that may fail with these codes, beside those that every call has."""
    return _told([(STATUS[code], code) for code in (*codes, *_EVERY_CALL)], _error)


def _told(
    answers: Iterable[tuple[int, str]], shape: Callable[[list[str]], dict[str, Any]]
) -> dict[int | str, dict[str, Any]]:
    """Responses for these pairs of status and code, with the schema that `shape` makes of the codes."""
    by_status: dict[int, list[str]] = {}
    for status, code in answers:
        by_status.setdefault(status, []).append(code)
    return {
        status: {
            "description": " or ".join(f"`{code}`" for code in names),
            "content": {"application/json": {"schema": shape(names)}},
        }
        for status, names in sorted(by_status.items())
    }


def _error(codes: list[str]) -> dict[str, Any]:
    fields = {
        "error": {"type": "boolean", "const": True},
        "code": {"type": "string", "enum": codes},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "request_id": {"type": "string"},
    }
    return {"type": "object", "properties": fields, "required": list(fields)}


def _removebgs_error(codes: list[str]) -> dict[str, Any]:
    text = {"type": "string"}
    fields = {"title": text, "code": {"type": "string", "enum": codes}, "detail": text}
    each = {"type": "object", "properties": fields, "required": list(fields)}
    listed = {"type": "array", "items": each, "minItems": 1}
    return {"type": "object", "properties": {"errors": listed}, "required": ["errors"]}


def _body(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The schema of a body: a field that is not among these is refused."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def _answer(fields: dict[str, Any]) -> dict[str, Any]:
    response = {"type": "object", "properties": fields}
    return {"type": "object", "properties": {"error": {"type": "boolean", "const": False}, "response": response}}


def _responses(success: dict[str, Any], failures: dict[int | str, dict[str, Any]]) -> dict[str, Any]:
    return {"200": success, **{str(status): told for status, told in failures.items()}}


def _call(options: type[DetectOptions], success: dict[str, Any], *codes: str) -> dict[str, Any]:
    fields = options.model_json_schema()["properties"]
    url = {"image_url": {"type": "string", "format": "uri", "description": "a public address of the photo"}}
    text = {"image_base64": {"type": "string", "description": "the photo in base64, or a data: URL"}}
    file = {"image_file": {**_BINARY, "description": "the photo"}}
    if options is CutOptions:
        behind = "another picture behind the cut-out: it fills the result, centred, and what is too much is cropped"
        text[BACKDROP] = {"type": "string", "description": f"{behind}; in base64"}
        file[BACKDROP] = {**_BINARY, "description": behind}
    example = {"image_url": "https://example.org/cat.jpg", "objects": ["cat", "person"]}
    # In a form everything is text, and an empty field is one that was left alone.
    texts = {
        name: {"type": "string", "description": field["description"], "example": "cat" if name == "objects" else ""}
        for name, field in {**url, **text, **fields}.items()
        if name not in file
    }
    return {
        "description": "Exactly one photo: `image_url`, `image_base64` or `image_file`, or the photo itself as the "
        "body; then, and only then, the options are in the query string. What a body is follows from its first bytes, "
        f"whatever its Content-Type says. It may be packed: `Content-Encoding: {' or '.join(PACKINGS)}`.",
        "parameters": [
            {
                "name": name,
                "in": "query",
                "schema": {"type": "string"},
                "description": f"With the photo as the body: {field['description']}",
            }
            for name, field in fields.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _body({**file, **texts})},
                "application/x-www-form-urlencoded": {"schema": _body(texts)},
                "application/json": {"schema": _body({**url, **text, **fields}, example=example)},
                **{kind: {"schema": _BINARY} for kind in _RAW_KINDS},
            },
        },
        "responses": _responses(success, errors(*codes)),
    }


_SIZE = {"width": _WHOLE, "height": _WHOLE, "model": {"type": "string"}}
_CUT = {
    "image_base64": {"type": "string"},
    **_SIZE,
    "box": _BOX,
    "objects": {"type": "array", "items": {"type": "object", "properties": _OBJECT}},
}
_FOUND = {
    **_SIZE,
    "objects": {"type": "array", "items": {"type": "object", "properties": {**_OBJECT, "mask": _RLE}}},
}

CUT = _call(
    CutOptions,
    {
        "description": "The picture itself when `Accept` prefers `image/*` to JSON, or when the photo was the body and "
        "`Accept` does not prefer JSON; else JSON with `image_base64`. With `output=both` it is a ZIP, which "
        "`application/zip` asks for as well.",
        "headers": {
            "X-Object-Count": {"schema": _WHOLE},
            "X-Object-Ids": {"schema": {"type": "string"}, "description": "ids of what was cut, such as 0,2"},
            "X-Object-Labels": {
                "schema": {"type": "string"},
                "description": "classes of what was cut, in the order of the ids, percent-encoded, empty for a box; of "
                "very many the first",
            },
            "X-Width": {"schema": _WHOLE, "description": "of the result, px"},
            "X-Height": {"schema": _WHOLE, "description": "of the result, px"},
            "X-Foreground-Box": {"schema": {"type": "string"}, "description": "x0,y0,x1,y1 of what is kept"},
        },
        "content": {
            "application/json": {"schema": _answer(_CUT)},
            **{kind: {"schema": _BINARY} for kind in _MADE_KINDS},
        },
    },
    *_EVERY_CUT,
)
"""FastAPI's `openapi_extra` for `POST /cut`."""

DETECT = _call(
    DetectOptions,
    {
        "description": "The objects, boxes of the request first, then by score; an empty list when there are none.",
        "content": {"application/json": {"schema": _answer(_FOUND)}},
    },
    *_EVERY_PHOTO,
)
"""FastAPI's `openapi_extra` for `POST /detect`."""


def _door(
    fields: type[BaseModel], pictures: dict[str, dict[str, str]], responses: dict[str, Any], in_query: bool = False
) -> dict[str, Any]:
    """FastAPI's `openapi_extra` for a call that programs of others make."""
    described = {name: {key: each[key] for key in each if key != "title"} for name, each in _schema(fields).items()}
    texts = {name: picture for name, picture in pictures.items() if picture.get("format") != "binary"}
    call: dict[str, Any] = {
        "description": "docs/compatible.md tells what becomes of each field.",
        "responses": responses,
    }
    if in_query:
        parameters = {**texts, **described}
        call["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string"}, "description": each["description"]}
            for name, each in parameters.items()
        ]
        return call
    kinds = {
        "multipart/form-data": {**pictures, **described},
        "application/x-www-form-urlencoded": {**texts, **described},
        "application/json": {**texts, **described},
    }
    call["requestBody"] = {
        "required": True,
        "content": {kind: {"schema": _body(properties)} for kind, properties in kinds.items()},
    }
    return call


def _schema(fields: type[BaseModel]) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = fields.model_json_schema()["properties"]
    return properties


_FOREGROUND = ("Top", "Left", "Width", "Height")

_REMOVEBGS_PICTURE = {
    "description": "The picture itself, or JSON where `Accept` is `application/json`. Errors are "
    '`{"errors": [{"title", "code", "detail"}]}`.',
    "headers": {
        **{name: {"schema": _WHOLE} for name in ("X-Width", "X-Height", "X-Credits-Charged")},
        **{f"X-Foreground-{side}": {"schema": _WHOLE, "description": "px of the photo"} for side in _FOREGROUND},
        "X-Type": {"schema": {"type": "string"}, "description": "kind of what was cut"},
    },
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "data": {
                        "type": "object",
                        "properties": {
                            "result_b64": {"type": "string"},
                            **{f"foreground_{side.lower()}": _WHOLE for side in _FOREGROUND},
                        },
                    }
                },
            }
        },
        **{kind: {"schema": _BINARY} for kind in _MADE_KINDS},
    },
}

REMOVEBG = _door(
    RemoveBgFields,
    {
        "image_file": {**_BINARY, "description": "the photo"},
        "image_file_b64": {"type": "string", "description": "the photo in base64"},
        "image_url": {"type": "string", "description": "a public address of the photo"},
        "bg_image_file": {**_BINARY, "description": "the picture behind, which fills the result"},
    },
    _responses(
        _REMOVEBGS_PICTURE,
        # Several of ours may be one of theirs.
        _told(dict.fromkeys([(400, NO_PHOTO), *map(theirs, (*_EVERY_CUT, *_EVERY_CALL))]), _removebgs_error),
    ),
)
"""FastAPI's `openapi_extra` for `POST /v1.0/removebg`."""

_REMBG_PHOTO = {
    "file": {**_BINARY, "description": "the photo"},
    "url": {"type": "string", "description": "a public address of the photo"},
}
_REMBGS_ANSWERS = _responses(
    {"description": "The picture.", "content": {"image/png": {"schema": _BINARY}}},
    errors(*_EVERY_CUT),
)

REMBG_GET = _door(RembgFields, _REMBG_PHOTO, _REMBGS_ANSWERS, in_query=True)
"""FastAPI's `openapi_extra` for `GET /api/remove`."""

REMBG_POST = _door(RembgFields, _REMBG_PHOTO, _REMBGS_ANSWERS)
"""FastAPI's `openapi_extra` for `POST /api/remove`."""

_KEY = {
    "name": "Authorization",
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "`Bearer KEY`, a key that scripts/keys.py made",
}
_ADDED = {
    "model": {"type": "string", "description": "what `model` of a request calls it"},
    "classes": {"type": "array", "items": {"type": "string"}},
    "done": {"type": "string", "description": "what was done, in words"},
}

ADMIN = {"parameters": [_KEY]}
"""FastAPI's `openapi_extra` for calls that need an admin key."""

ADD = {
    "description": "The body is a model file: one of ours, or a checkpoint as scripts/convert.py takes it. It is "
    "checked, loaded by a worker that cuts a sample, and only then put into use. With `Accept: application/x-ndjson` "
    "each check is told as it is passed, one JSON object a line with `check` and `found`; the last line is the answer "
    "or the error that there would be otherwise, and the status is 200.",
    "parameters": [_KEY],
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": _BINARY}}},
    "responses": _responses(
        {
            "description": "The model can be asked for.",
            "content": {"application/json": {"schema": _answer(_ADDED)}, "application/x-ndjson": {}},
        },
        errors("unauthorized", "invalid_request", "body_too_large", "unsupported_image"),
    ),
}
"""FastAPI's `openapi_extra` for `POST /models`."""
