"""An id for each request, and the headers that every answer has, whoever makes it."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestId:
    """ASGI middleware that names requests, by the sender's own id if it is harmless: `request.state.id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if re.fullmatch(r"[\w.-]{1,64}", sent, re.ASCII) else uuid.uuid4().hex
        scope.setdefault("state", {})["id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                # Browsers ask whether a file of the page changed; unasked they may mix old and new modules.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, named)
