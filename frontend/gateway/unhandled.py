"""The answers to errors that no call of the application made: a middleware's own, and defects of ours."""

from __future__ import annotations

import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from objectcut.errors import CutError, internal

logger = logging.getLogger(__name__)


class UnhandledErrors:
    """ASGI middleware that answers a `CutError` as it says, and any other exception with `internal`.

    The cause of the latter goes to the log, once: Starlette's own middleware raises it again after the answer, so that
    the server logs it a second time.
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
        except Exception as error:
            if started:
                raise  # the server logs it and breaks the connection off, which tells the sender
            request_id = scope["state"]["id"]
            if not isinstance(error, CutError):
                logger.exception("request %s failed", request_id)
            told = error if isinstance(error, CutError) else internal()
            await answer(told, request_id)(scope, receive, send)


def answer(error: CutError, request_id: str) -> Response:
    """Return an error as it is sent."""
    return Response(error.body(request_id), error.status, error.headers, "application/json")
