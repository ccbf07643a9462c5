"""One line in the log for each request: who, what, how it ended, how many bytes, how long.

Of the address it holds the path alone: the query may hold a photo's address with a password in it.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("gateway.access")
_PATH = 200  # characters
_LINE = (
    "%(caller)s %(method)s %(path)r %(status)d, %(bytes_in)d bytes in, %(bytes_out)d out, %(seconds).3f s, "
    "%(request_id)s"
)


class AccessLog:
    """ASGI middleware that writes the line, inside of `RequestId`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.monotonic()
        status = received = sent = 0

        async def heard() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def told(message: Message) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, heard, told)
        finally:
            client = scope.get("client")
            facts = {
                "caller": scope["state"].get("caller") or (f"address {client[0]}" if client else "-"),
                "method": scope["method"],
                "path": scope["path"][:_PATH],
                "status": status,
                "bytes_in": received,
                "bytes_out": sent,
                "seconds": round(time.monotonic() - start, 3),
                "request_id": scope["state"]["id"],
            }
            logger.info(_LINE, facts, extra=facts)
