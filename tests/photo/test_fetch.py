from __future__ import annotations

import asyncio
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

import pytest
from conftest import free_port

from objectcut.errors import CutError
from objectcut.photo.fetch import _is_public, fetch
from objectcut.settings import Settings

PHOTO = b"\x89PNG the bytes of a photo" * 40
REFUSED = "The photo's URL must be a public http or https address on port 80 or 443."
UNREACHABLE = "No photo came from that URL in time. Check the address, or upload the photo."


class Host(http.server.ThreadingHTTPServer):
    """A little web server that keeps the paths it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pages)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.address}"
        self.asked: list[str] = []
        self.closing = threading.Event()


class Pages(http.server.BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page, _, rest = self.path[1:].partition("?")[0].partition("/")
        with suppress(ConnectionError):
            if page == "photo":
                self._answer(200, [], PHOTO)
            elif page == "hops":  # as many redirects as it says, then the photo
                self._answer(302, [("Location", f"/hops/{int(rest) - 1}" if int(rest) > 1 else "/photo")])
            elif page == "to":
                self._answer(301, [("Location", unquote(rest))])
            elif page == "nowhere":
                self._answer(302, [])
            elif page == "silent":
                self.server.closing.wait(4)
            elif page == "drip":
                self._answer(200, [])
                for _ in range(80):
                    self.wfile.write(b".")
                    self.server.closing.wait(0.05)
            elif page == "large":
                self._answer(200, [], bytes(30_000_000))
            elif page == "broken":
                self.wfile.write(b"this is not HTTP\r\n\r\n")
            else:
                self._answer(int(page), [], b"an error page")

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes = b"") -> None:
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve() -> Iterator[Host]:
    with Host() as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.02,))
        thread.start()
        yield host
        host.closing.set()
        host.shutdown()
        thread.join()


host = pytest.fixture(_serve)
inner = pytest.fixture(_serve)  # a second one that nobody allowed


def get(url: str, allow: tuple[str, ...] = (), **limits: float) -> bytes:
    return asyncio.run(fetch(url, Settings(fetch_allow=allow, **{"fetch_total_s": 5, **limits})))


def failed(url: str, allow: tuple[str, ...] = (), **limits: float) -> tuple[str, str]:
    with pytest.raises(CutError) as caught:
        get(url, allow, **limits)
    assert caught.value.details == ({"max_bytes": limits["max_body_bytes"]} if "max_body_bytes" in limits else {})
    return caught.value.code, caught.value.message


def test_a_photo(host):
    assert get(f"{host.url}/photo?size=large#top", (host.address,)) == PHOTO
    assert get(f"  {host.url}/photo\n", (host.address,)) == PHOTO
    assert host.asked == ["/photo?size=large", "/photo"]


@pytest.mark.parametrize("status", [201, 204, 304, 403, 404, 500])
def test_any_other_status_is_no_photo(host, status):
    assert failed(f"{host.url}/{status}", (host.address,)) == ("url_unreachable", UNREACHABLE)


@pytest.mark.parametrize(("hops", "allowed"), [(1, 3), (3, 3), (1, 1)])
def test_redirects_are_followed(host, hops, allowed):
    assert get(f"{host.url}/hops/{hops}", (host.address,), fetch_redirects=allowed) == PHOTO


@pytest.mark.parametrize(("hops", "allowed"), [(4, 3), (1, 0)])
def test_but_not_for_ever(host, hops, allowed):
    assert failed(f"{host.url}/hops/{hops}", (host.address,), fetch_redirects=allowed) == (
        "url_unreachable",
        UNREACHABLE,
    )
    assert "/photo" not in host.asked


def test_a_redirect_without_a_place(host):
    assert failed(f"{host.url}/nowhere", (host.address,)) == ("url_unreachable", UNREACHABLE)


def test_a_redirect_to_an_address_that_is_not_public(host, inner):
    assert failed(f"{host.url}/to/{inner.url}/photo", (host.address,)) == ("url_refused", REFUSED)
    assert inner.asked == []
    assert get(f"{host.url}/to/{inner.url}/photo", (host.address, inner.address)) == PHOTO


@pytest.mark.parametrize(
    "place", ["file:///etc/hostname", "ftp://127.0.0.1/", "http://[::1", "http://a.example:99999/"]
)
def test_a_redirect_to_something_else(host, place):
    assert failed(f"{host.url}/to/{place}", (host.address,)) == ("url_refused", REFUSED)


@pytest.mark.parametrize("page", ["silent", "drip"])
def test_a_slow_host_costs_no_more_than_the_limit(host, page):
    start = time.monotonic()
    assert failed(f"{host.url}/{page}", (host.address,), fetch_total_s=0.4) == ("url_unreachable", UNREACHABLE)
    assert time.monotonic() - start < 3


def test_a_body_that_is_too_large(host):
    code, message = failed(f"{host.url}/large", (host.address,), max_body_bytes=1_000_000)
    assert code == "body_too_large"
    assert "1,000,000 bytes" in message
    assert get(f"{host.url}/photo", (host.address,), max_body_bytes=len(PHOTO)) == PHOTO
    assert failed(f"{host.url}/photo", (host.address,), max_body_bytes=len(PHOTO) - 1)[0] == "body_too_large"


def test_what_does_not_speak_http(host):
    assert failed(f"{host.url}/broken", (host.address,)) == ("url_unreachable", UNREACHABLE)
    assert failed(f"https://{host.address}/photo", (host.address,)) == ("url_unreachable", UNREACHABLE)


def test_nobody_there():
    closed = f"127.0.0.1:{free_port()}"
    assert failed(f"http://{closed}/photo", (closed,)) == ("url_unreachable", UNREACHABLE)
    assert failed("http://no-such-host.invalid/photo") == ("url_unreachable", UNREACHABLE)


def test_only_the_very_host_and_port_are_allowed(host, inner):
    assert failed(f"{inner.url}/photo", (host.address,)) == ("url_refused", REFUSED)
    assert failed(f"http://localhost:{host.server_port}/photo", (host.address,)) == ("url_refused", REFUSED)
    assert host.asked == inner.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0",
        "localhost",
        "LocalHost",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1%eth0]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ],
)
def test_a_host_that_is_not_public_in_any_spelling(name):
    assert failed(f"http://{name}/photo") == ("url_refused", REFUSED)
    assert failed(f"https://{name}/photo") == ("url_refused", REFUSED)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "ftp://93.184.216.34/photo.png",
        "data:image/png;base64,QUJD",
        "javascript:alert(1)",
        "photo.png",
        "//93.184.216.34/photo.png",
        "",
        "http://",
        "http:///photo.png",
        "http://[::1",
        "http://a\0b/",
        "http://xn--/",
        "http://93.184.216.34:22/",
        "http://93.184.216.34:8080/",
        "https://93.184.216.34:99999/",
        "http://user:pass@93.184.216.34/",
        "http://user@93.184.216.34/",
        "http://93.184.216.34@127.0.0.1/",
        "http://93.184.216.34\\@127.0.0.1/",
        "http://" + "a" * 70_000,
    ],
    ids=lambda url: url[:40],
)
def test_a_url_that_is_refused_without_a_connection(url):
    assert failed(url) == ("url_refused", REFUSED)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),  # IPv4 in IPv6: mapped, NAT64, 6to4
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::1", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),  # Teredo of 127.0.0.1
        ("64:ff9b:1::7f00:1", False),
        ("::7f00:1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("2001:db8::1", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert _is_public(address) is public
