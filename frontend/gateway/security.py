"""What a browser may do with the page: load its own files, speak to its own server, and nothing else.

Owns the headers of every answer that say so. `requestid` adds `nosniff`, and proxies in front add HTTPS.
"""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "form-action": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
"""Content-Security-Policy of everything but the docs, by directive."""
_HEADERS = {"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"}
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class Security:
    """ASGI middleware that adds the headers.

    Args:
        app: the application; its docs page comes in one piece and is not compressed yet.
        docs_path: the page of the interactive docs, the only one with scripts and styles inside its HTML.
    """

    def __init__(self, app: ASGIApp, docs_path: str) -> None:
        self._app = app
        self._docs_path = docs_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        docs = scope["path"].removeprefix(scope.get("root_path", "")) == self._docs_path
        held: list[Message] = []  # the start of the docs' answer, whose headers depend on its body

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
                if docs:
                    held.append(message)
                    return
                _allow(message, PAGE_POLICY)
            while held:
                start = held.pop()
                _allow(start, docs_policy(message.get("body", b"")))
                await send(start)
            await send(message)

        await self._app(scope, receive, secured)


def docs_policy(html: bytes) -> dict[str, str]:
    """Return the page's policy with what Swagger UI needs beside it: this HTML's own scripts, and inline styles."""
    scripts = [_hashed(script) for script in _INLINE_SCRIPT.findall(html)]
    return {
        **PAGE_POLICY,
        "script-src": " ".join([PAGE_POLICY["script-src"], *scripts]),
        "style-src": f"{PAGE_POLICY['style-src']} 'unsafe-inline'",
    }


def _hashed(script: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def _allow(start: Message, policy: dict[str, str]) -> None:
    allowed = "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    MutableHeaders(scope=start)["Content-Security-Policy"] = allowed
