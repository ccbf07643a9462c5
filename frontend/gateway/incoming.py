"""From an HTTP request, in whichever way it brings its photo, to one checked `CutRequest`, or to a door's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gateway import form
from gateway.body import unpacked
from objectcut.errors import CutError
from objectcut.request import jsonbody, parse
from objectcut.request.options import Task
from objectcut.request.parse import CutRequest
from objectcut.request.picturefield import check_length
from objectcut.request.sniff import Body, body_kind
from objectcut.settings import Settings


async def read(request: Request, task: Task, settings: Settings) -> CutRequest:
    """Return the checked request. Its body may be packed, and is taken for what its first bytes say.

    Raises:
        CutError: `invalid_request`, `body_too_large`, or `unsupported_image` for an unknown packing.
    """
    content_type = request.headers.get("content-type", "")
    body = await request.body()
    return await run_in_threadpool(
        _checked, body, _encoding(request), content_type, request.scope["query_string"], task, settings
    )


async def read_fields(request: Request, settings: Settings) -> tuple[Mapping[str, Any], Body]:
    """Return the fields of a form or of JSON, and which kind of body it is; values are bytes in a form.

    Args:
        request: whose body is read, packed or not; the query string is left alone.
        settings: the limits.

    Raises:
        CutError: `invalid_request`, `body_too_large`, or `unsupported_image` for an unknown packing.
    """
    content_type = request.headers.get("content-type", "")
    body = await request.body()
    return await run_in_threadpool(_fields, body, _encoding(request), content_type, settings)


def _encoding(request: Request) -> str:
    return ",".join(request.headers.getlist("content-encoding"))


def _opened(body: bytes, encoding: str, content_type: str, settings: Settings) -> tuple[bytes, Body]:
    body = unpacked(body, encoding, settings.max_body_bytes)
    kind = body_kind(body, content_type)
    if kind == "json" and content_type.lower().startswith("text/plain"):  # which pages of other sites may send
        raise CutError("invalid_request", "JSON must be sent with 'Content-Type: application/json', not as plain text.")
    return body, kind


def _checked(
    body: bytes, encoding: str, content_type: str, query_string: bytes, task: Task, settings: Settings
) -> CutRequest:
    body, kind = _opened(body, encoding, content_type, settings)
    query = form.query(query_string)
    if kind not in {"multipart", "urlencoded"}:
        return parse.from_body(body, content_type, query, task, settings)
    if query:
        raise CutError("invalid_request", parse.QUERY_IS_FOR_PHOTOS)
    if kind == "urlencoded":
        return parse.from_form(form.urlencoded(body), task, settings, urlencoded=True)
    return parse.from_form(form.multipart(body, content_type), task, settings)


def _fields(body: bytes, encoding: str, content_type: str, settings: Settings) -> tuple[Mapping[str, Any], Body]:
    body, kind = _opened(body, encoding, content_type, settings)
    fields: object = None
    if kind == "multipart":
        fields = form.multipart(body, content_type)
    elif kind == "urlencoded":
        fields = form.urlencoded(body)
    elif kind == "json":
        fields = jsonbody.parsed(body)
    if not isinstance(fields, dict):
        raise CutError("invalid_request", "Send a form or a JSON object with the photo in it.")
    for name, value in fields.items():
        check_length(name, value)
    return fields, kind
