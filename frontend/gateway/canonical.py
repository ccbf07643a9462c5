"""Which call a request means: HEAD is GET without the body, and a slash at the end of a path is left out."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class CanonicalPath:
    """ASGI middleware that brings method and path into the form in which the calls are declared."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope}  # the server keeps its own, by which it leaves the body of an answer to HEAD out
            if scope["method"] == "HEAD":
                scope["method"] = "GET"
            root = scope.get("root_path", "")
            scope["path"] = root + (scope["path"].removeprefix(root).rstrip("/") or "/")
        await self._app(scope, receive, send)
