"""A photo from a URL that a stranger chose.

Owns the rule which hosts may be reached, and the limits of the download. The rule is applied where the connection is
made, on the very address it is made to, so neither a redirect nor a name that resolves anew can slip past it. Each of
the two errors has one text for all its causes. What can still be learnt is whether a name resolves to an address
inside (refused) or not at all (unreachable).
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterable
from functools import cache

import certifi
import httpcore
import httpx

from objectcut.errors import CutError
from objectcut.settings import Settings

_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {80, 443}
_HEADERS = [("User-Agent", "ObjectCut"), ("Accept", "image/*"), ("Accept-Encoding", "identity")]


class _Refused(Exception):
    """The connection would leave the public internet."""


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Resolves a name once and connects to that address, if it is public or expressly allowed."""

    def __init__(self, allow: Iterable[str]) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow = frozenset(allow)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        allowed = f"{host}:{port}" in self._allow
        if not allowed and port not in _PORTS:
            raise _Refused
        try:
            resolved = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)  # 1: SOCK_STREAM
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in resolved))
        if not allowed and not all(map(_is_public, addresses)):
            raise _Refused
        failed: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4-mapped address is judged as the IPv4 address.
        ip = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1] or ip
        if isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.ip_network("64:ff9b::/96"):
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    # Other forms of IPv4 addresses (::127.0.0.1, 64:ff9b:1::/48) and site-local addresses are no global unicast (IANA).
    unicast = ip.version == 4 or ip in ipaddress.ip_network("2000::/3")
    return unicast and ip.is_global and not ip.is_multicast


async def fetch(url: str, settings: Settings) -> bytes:
    """Return the bytes behind an http or https URL.

    Raises:
        CutError: `url_refused` for a scheme, port or address that is not public; `url_unreachable` when no photo came
            in time; `unreadable_image` for an empty answer; `body_too_large`.
    """
    try:
        return await asyncio.wait_for(_follow(url, settings), settings.fetch_total_s)
    except (_Refused, httpx.InvalidURL, ValueError) as error:  # ValueError: a port or a host name that cannot be
        raise CutError(
            "url_refused", "The photo's URL must be a public http or https address on port 80 or 443."
        ) from error
    # asyncio's own TimeoutError is an OSError only since Python 3.11.
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        OSError,
        asyncio.TimeoutError,
    ) as error:
        raise _unreachable() from error


def _unreachable() -> CutError:
    return CutError("url_unreachable", "No photo came from that URL in time. Check the address, or upload the photo.")


async def _follow(address: str, settings: Settings) -> bytes:
    timeouts = {"connect": settings.fetch_connect_s, "read": settings.fetch_total_s, "write": settings.fetch_connect_s}
    url = httpx.URL(address.strip())
    async with httpcore.AsyncConnectionPool(
        ssl_context=_trust(),
        network_backend=_PublicOnly(settings.fetch_allow),
    ) as pool:
        for _ in range(settings.fetch_redirects + 1):
            if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
                raise _Refused
            target = str(url.copy_with(fragment=None))
            async with pool.stream("GET", target, headers=_HEADERS, extensions={"timeout": timeouts}) as response:
                if response.status == 200:
                    return await _read(response, settings.max_body_bytes)
                location = {name.lower(): value for name, value in response.headers}.get(b"location")
                if response.status not in _REDIRECTS or location is None:
                    raise _unreachable()
                url = url.join(location.decode("latin-1"))
    raise _unreachable()


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


async def _read(response: httpcore.Response, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > limit:
            raise CutError(
                "body_too_large",
                f"The photo behind the URL is larger than {limit:,} bytes.",
                details={"max_bytes": limit},
            )
    if not body:
        raise CutError("unreadable_image", "The address answers with an empty file.")
    return bytes(body)
