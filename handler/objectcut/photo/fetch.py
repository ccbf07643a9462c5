"""A photo from a URL that a stranger chose.

Owns the rule which hosts may be reached, and the limits of the download. What the URL itself says is refused at once;
what only its look-up tells has the same answer as a host that is not there, so that nobody learns which names exist
inside. The address is judged where the connection is made, so neither a redirect nor a name that resolves anew can slip
past. `addresses` has the table, `resolver` looks names up.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from functools import cache

import certifi
import httpcore
import httpx

from objectcut.errors import CutError
from objectcut.photo.addresses import is_public
from objectcut.photo.resolver import Resolver, looked_up
from objectcut.settings import Settings

_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {80, 443}
_HEADERS = [("User-Agent", "ObjectCut"), ("Accept", "image/*"), ("Accept-Encoding", "identity")]
_MOST = 32  # photos that are fetched at a time: each may have the largest size
_LOCAL = "localhost"  # with all below it, RFC 6761


class Fetcher:
    """Fetches photos, so many at a time.

    Args:
        settings: hosts and limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._backend = _PublicOnly(settings)
        self._running = 0

    async def fetch(self, url: str) -> bytes:
        """Return the bytes behind an http or https URL.

        Raises:
            CutError: `url_refused` for a scheme, host or port that no photo is fetched from; `url_unreachable` when no
                photo came in time; `unreadable_image` for an empty answer; `body_too_large`; `overloaded`.
        """
        if self._settings.fetch == "off":
            raise CutError("url_refused", "This server fetches no photos from addresses. Upload the photo.")
        if self._running >= _MOST:
            raise CutError("overloaded", "The server is fetching too many photos. Try again soon.", retry_after=5)
        self._running += 1
        try:
            return await asyncio.wait_for(self._follow(url), self._settings.fetch_total_s)
        except (httpx.InvalidURL, ValueError) as error:  # ValueError: a port or a host name that cannot be
            raise _refused() from error
        # asyncio's own TimeoutError is an OSError only since Python 3.11.
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            OSError,
            asyncio.TimeoutError,
        ) as error:
            raise _unreachable() from error
        finally:
            self._running -= 1

    async def _follow(self, address: str) -> bytes:
        settings = self._settings
        timeouts = {
            "connect": settings.fetch_connect_s,
            "read": settings.fetch_total_s,
            "write": settings.fetch_connect_s,
        }
        url = httpx.URL(address.strip())
        async with httpcore.AsyncConnectionPool(ssl_context=_trust(), network_backend=self._backend) as pool:
            for _ in range(settings.fetch_redirects + 1):
                _check(url, settings)
                target = str(url.copy_with(fragment=None))
                async with pool.stream("GET", target, headers=_HEADERS, extensions={"timeout": timeouts}) as response:
                    if response.status == 200:
                        return await _read(response, settings.max_body_bytes)
                    location = {name.lower(): value for name, value in response.headers}.get(b"location")
                    if response.status not in _REDIRECTS or location is None:
                        raise _unreachable()
                    url = url.join(location.decode("latin-1"))
        raise _unreachable()


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Resolves a name once and connects to that address, if it is public or expressly allowed."""

    def __init__(self, settings: Settings) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._resolver = Resolver()
        self._settings = settings

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolver.addresses(host, port, self._settings.fetch_connect_s)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError from error
        if not _is_allowed(host, port, self._settings) and not all(map(is_public, addresses)):
            raise httpcore.ConnectError
        failed: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


def _check(url: httpx.URL, settings: Settings) -> None:
    """Judge a URL by its text.

    Raises:
        CutError: `url_refused`.
    """
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise _refused()
    if _is_allowed(url.host, port, settings):
        return
    name = url.host.lower().rstrip(".")
    if port not in _PORTS or _is_below(name, f".{_LOCAL}") or not _may_be_public(name, port):
        raise _refused()
    listed = settings.fetch_hosts and not any(_is_below(name, host) for host in settings.fetch_hosts)
    if listed or any(_is_below(name, host) for host in settings.fetch_deny):
        raise CutError("url_refused", "This server fetches no photos from that host. Upload the photo.")


def _is_allowed(host: str, port: int, settings: Settings) -> bool:
    return f"{host}:{port}" in settings.fetch_allow


def _is_below(name: str, host: str) -> bool:
    """Return whether a host is this one or, where it begins with a dot, one below it."""
    return name == host.lstrip(".") or (host.startswith(".") and name.endswith(host))


def _may_be_public(host: str, port: int) -> bool:
    """Return whether a host is a name, or a public address in any spelling."""
    if "%" in host:  # an address of one link
        return False
    try:
        return all(map(is_public, looked_up(host, port, numeric=True)))
    except OSError:  # a name, which is not looked up here
        return True


def _refused() -> CutError:
    return CutError("url_refused", "The photo's URL must be a public http or https address on port 80 or 443.")


def _unreachable() -> CutError:
    return CutError("url_unreachable", "No photo came from that URL in time. Check the address, or upload the photo.")


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
