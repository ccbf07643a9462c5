"""From an HTTP request, in whichever way it brings its photo, to one checked `CutRequest`."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gateway import form
from gateway.body import unpacked
from objectcut.errors import CutError
from objectcut.request import parse
from objectcut.request.options import Task
from objectcut.request.parse import CutRequest
from objectcut.request.sniff import body_kind
from objectcut.settings import Settings


async def read(request: Request, task: Task, settings: Settings) -> CutRequest:
    """Return the checked request. Its body may be packed, and is taken for what its first bytes say.

    Raises:
        CutError: `invalid_request`, `body_too_large`, or `unsupported_image` for an unknown packing.
    """
    content_type = request.headers.get("content-type", "")
    encoding = ",".join(request.headers.getlist("content-encoding"))
    body = await request.body()
    return await run_in_threadpool(
        _checked, body, encoding, content_type, request.scope["query_string"], task, settings
    )


def _checked(
    body: bytes, encoding: str, content_type: str, query_string: bytes, task: Task, settings: Settings
) -> CutRequest:
    body = unpacked(body, encoding, settings.max_body_bytes)
    query = form.query(query_string)
    kind = body_kind(body, content_type)
    if kind == "json" and content_type.lower().startswith("text/plain"):  # which pages of other sites may send
        raise CutError("invalid_request", "JSON must be sent with 'Content-Type: application/json', not as plain text.")
    if kind not in {"multipart", "urlencoded"}:
        return parse.from_body(body, content_type, query, task, settings)
    if query:
        raise CutError("invalid_request", parse.QUERY_IS_FOR_PHOTOS)
    if kind == "urlencoded":
        return parse.from_form(form.urlencoded(body), task, settings, urlencoded=True)
    return parse.from_form(form.multipart(body, content_type), task, settings)
