"""Which web pages may have a visitor's browser call this server: its own, and those that the settings name.

A browser sends a page's request to whatever server the page names, this one on the visitor's own machine too, and a
page can rename itself to this server's address (DNS rebinding). The headers Host, Origin and Sec-Fetch-Site, which a
page cannot choose, tell. Programs that are no browsers are not meant, and send what they like.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from objectcut.errors import CutError

_OWN = ("localhost", "127.0.0.1", "::1")
_READING = {"GET", "HEAD", "OPTIONS"}  # a page of another site cannot read the answers, see routes' CORS
_OF_ITSELF = {"same-origin", "none"}  # none: typed, or from a bookmark


class Sites:
    """ASGI middleware that raises `invalid_request` for calls by other names, and for what other sites' pages send.

    Args:
        app: the application.
        listens_on: address that the server listens on.
        hosts: names by which it may be called; empty for every one, or for this machine's own on loopback.
        origins: of other sites whose pages may send something; `*` for all.
    """

    def __init__(self, app: ASGIApp, listens_on: str, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        known = (*_OWN, listens_on.lower(), *(host.lower() for host in hosts))
        self._hosts = frozenset(known if hosts or _is_loopback(listens_on) else ())
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            if scope["method"] not in _READING:
                self._check_origin(headers)
        await self._app(scope, receive, send)

    def _check_host(self, host: str) -> None:
        name = _name(host)
        if self._hosts and name and name not in self._hosts and not name.endswith(".localhost"):
            raise CutError(
                "invalid_request",
                f"This server is not called '{host[:100]}'. Who runs it adds the name to OBJECTCUT_HOSTS.",
                details={"header": "Host"},
            )

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self._origins or "*" in self._origins:
            return
        site = headers.get("sec-fetch-site")  # says it whatever a proxy made of Host, but not on every connection
        if site in _OF_ITSELF if site else origin.partition("://")[2] == headers.get("host", ""):
            return
        raise CutError(
            "invalid_request",
            f"Pages of '{origin[:100]}' may not send anything to this server. Who runs it adds the origin to "
            "OBJECTCUT_ORIGINS.",
            details={"header": "Origin"},
        )


def _name(host: str) -> str:
    """Return the name or address of a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return host


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
