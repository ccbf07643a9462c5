"""The answer to a defect of ours: the cause goes to the log, once, and the sender gets the usual shape."""

from __future__ import annotations

import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from objectcut.errors import internal

logger = logging.getLogger(__name__)


class UnhandledErrors:
    """ASGI middleware that answers an exception which nobody caught with `internal`.

    Starlette's own raises it again after the answer, so that the server logs it a second time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if started:
                raise  # the server logs it and breaks the connection off, which tells the sender
            request_id = scope["state"]["id"]
            logger.exception("request %s failed", request_id)
            error = internal()
            await Response(error.body(request_id), error.status, error.headers, "application/json")(
                scope, receive, send
            )
