"""The bound on a request's body, kept while it arrives: nothing larger is ever held in memory or on disk."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from objectcut.errors import CutError


class BodyLimit:
    """ASGI middleware that stops a body at `limit` bytes with `body_too_large`.

    A sender that is cut off in the middle sees a broken connection instead of the error, so what it still sends is
    read and dropped, up to four times the limit.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            if announced > self._limit and headers.get(b"expect", b"").lower() == b"100-continue":
                raise self._too_large()  # the sender waits for a word before it sends anything
            message = await receive()
            seen += len(message.get("body", b""))
            if max(seen, announced) > self._limit:
                await self._drop(receive, message, seen)
                raise self._too_large()
            return message

        await self._app(scope, limited, send)

    async def _drop(self, receive: Receive, message: Message, seen: int) -> None:
        while message["type"] == "http.request" and message.get("more_body") and seen <= 4 * self._limit:
            message = await receive()
            seen += len(message.get("body", b""))

    def _too_large(self) -> CutError:
        return CutError(
            "body_too_large",
            f"The request is larger than {self._limit / 1e6:g} MB. Make the photo smaller, or save it as JPEG.",
            details={"max_bytes": self._limit},
        )
