"""The bound on a request's body, as it arrives and unpacked: nothing larger is ever held in memory or on disk."""

from __future__ import annotations

import zlib
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from objectcut.errors import CutError

PACKINGS = ("gzip", "deflate")
"""Values of Content-Encoding that are understood."""


class BodyLimit:
    """ASGI middleware that stops a body at `limit` bytes with `body_too_large`.

    A sender that is cut off in the middle sees a broken connection instead of the error, so what it still sends is
    read and dropped, up to four times the limit.

    Args:
        app: the application.
        limit: bytes.
        others: paths of calls that bound their bodies themselves.
    """

    def __init__(self, app: ASGIApp, limit: int, others: Collection[str] = ()) -> None:
        self._app = app
        self._limit = limit
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) in self._others:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            if announced > self._limit and headers.get(b"expect", b"").lower() == b"100-continue":
                raise _too_large(self._limit)  # the sender waits for a word before it sends anything
            message = await receive()
            seen += len(message.get("body", b""))
            if max(seen, announced) > self._limit:
                await self._drop(receive, message, seen)
                raise _too_large(self._limit)
            return message

        await self._app(scope, limited, send)

    async def _drop(self, receive: Receive, message: Message, seen: int) -> None:
        while message["type"] == "http.request" and message.get("more_body") and seen <= 4 * self._limit:
            message = await receive()
            seen += len(message.get("body", b""))


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without its Content-Encoding (RFC 9110, section 8.4). Never unpacks more than `limit` bytes.

    Raises:
        CutError: `body_too_large`; `invalid_request` for a body that is damaged; `unsupported_image`, whose status is
            the right one, for an encoding that is not in `PACKINGS`.
    """
    codings = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if not codings:
        return body
    coding = codings[0].removeprefix("x-")
    if len(codings) > 1 or coding not in PACKINGS:
        raise CutError(
            "unsupported_image",
            f"A body with 'Content-Encoding: {encoding[:100]}' cannot be read. Send it plain, or packed once as "
            f"{' or '.join(PACKINGS)}.",
            details={"header": "Content-Encoding", "accepted": list(PACKINGS)},
        )
    unpacker = zlib.decompressobj(_window(body, coding))
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise _damaged(coding) from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged(coding)
    return plain


def _window(body: bytes, coding: str) -> int:
    """Return what zlib calls `wbits`. Many senders mean the bare stream by deflate, without zlib's header."""
    if coding == "gzip":
        return 16 + zlib.MAX_WBITS
    wrapped = len(body) > 1 and body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


def _too_large(limit: int) -> CutError:
    return CutError(
        "body_too_large",
        f"The request is larger than {limit / 1e6:g} MB. Make the photo smaller, or save it as JPEG.",
        details={"max_bytes": limit},
    )


def _damaged(coding: str) -> CutError:
    return CutError("invalid_request", f"The body is not {coding}, as its Content-Encoding says, or it is cut short.")
