"""The bound on a request's body, as it arrives and unpacked: nothing larger is ever held in memory or on disk."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from objectcut.errors import CutError

PACKINGS = ("gzip", "deflate")
"""Values of Content-Encoding that are understood."""


class BodyLimit:
    """ASGI middleware that stops a body at `limit` bytes with `body_too_large`, before it comes where it is announced.

    `senders` reads on for a while, so that its sender sees the answer.

    Args:
        app: the application.
        limit: bytes of one body.
        together: bytes of all bodies that came or are announced, until their requests are answered. One is let in
            whatever it holds.
        refusal: makes the error for a body beyond these.
        others: paths of calls that bound their bodies themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        together: int,
        refusal: Callable[[], CutError],
        others: Collection[str] = (),
    ) -> None:
        self._app = app
        self._limit, self._together = limit, together
        self._refusal = refusal
        self._others = others
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) in self._others:
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        seen = held = 0

        def hold(size: int) -> None:
            nonlocal held
            if size > self._limit:
                raise _too_large(self._limit)
            more = max(size - held, 0)
            if more and self._held and self._held + more > self._together:
                raise self._refusal()
            held += more
            self._held += more

        async def limited() -> Message:
            nonlocal seen
            hold(announced)  # before a word is said to a sender who waits for "100 Continue"
            message = await receive()
            seen += len(message.get("body", b""))
            hold(seen)
            return message

        try:
            await self._app(scope, limited, send)
        finally:
            self._held -= held


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
