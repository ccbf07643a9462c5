from __future__ import annotations

import asyncio
import gzip
import http.server
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

import pytest

from objectcut.errors import CutError
from objectcut.photo import resolver
from objectcut.photo.fetch import Fetcher
from objectcut.settings import Settings
from rundir import free_port

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
            elif page == "packed":
                self._answer(200, [("Content-Encoding", "gzip")], gzip.compress(bytes(2_000_000_000 // 1000)) * 600)
            elif page == "headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                self._endless(b"X: y\r\n" * 1000)
            elif page == "early":
                self._endless(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
            elif page == "chunks":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                self._endless(b"1\r\na\r\n" * 1000)
            elif page == "location":
                self._answer(302, [("Location", "/" + "a" * 1_000_000)])
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

    def _endless(self, data: bytes) -> None:
        while not self.server.closing.is_set():
            self.wfile.write(data)

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
    return asyncio.run(Fetcher(Settings(fetch_allow=allow, **{"fetch_total_s": 5, **limits})).fetch(url))


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


INSIDE = [
    *("127.0.0.1", "127.1", "127.0.1", "0x7f000001", "0x7f.1", "2130706433", "0177.0.0.1", "017700000001", "0", "0x0"),
    *("127.0.0.1.", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "167772161", "012.0.0.1"),
    *("172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("169.254.169.254", "169.254.170.2", "0xa9fea9fe", "2852039166", "168.63.129.16", "192.0.0.1", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *(
        "localhost",
        "LocalHost",
        "localhost.",
        "photos.localhost",
        "\uff4cocalhost",
        "\uff11\uff12\uff17.0.0.1",
        "\u2460" + "27.0.0.1",
    ),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]"),
    *(
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::7f00:1]",
    ),
    *("[2002:7f00:1::1]", "[2002:a00:1::]", "[2002:c0a8:101::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"),
    *("[2001:0:7f00:1::1]", "[2001:0:808:808::1]", "[2606:4700::5efe:127.0.0.1]", "[2606:4700::200:5efe:10.0.0.1]"),
    *(
        "[fe80::1]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[::ffff:127.0.0.1%25eth0]",
        "[::1%25lo]",
        "[2606:4700::1111%25lo]",
    ),
    *("[fc00::1]", "[fd00:ec2::254]", "[fd12:3456:789a::1]", "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[5f00::1]"),
    *(
        "[2001:db8::1]",
        "[3fff::1]",
        "[3fff:fff::1]",
        "[2001:2::1]",
        "[2001:10::1]",
        "[2001:20::1]",
        "[100::1]",
        "[4000::1]",
    ),
]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Where a socket of this process was connected to, or was about to be."""
    seen: list[object] = []

    def connect(_: socket.socket, address: object) -> None:
        seen.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    return seen


@pytest.mark.parametrize("name", INSIDE)
def test_a_host_that_is_not_public_in_any_spelling(name: str, connections: list[object]):
    for url in (f"http://{name}/photo", f"https://{name}/photo", f"http://{name}:443/"):
        assert failed(url) == ("url_refused", REFUSED)
    assert connections == []


@pytest.mark.parametrize("host", ["photos.example.org", "93.184.216.34", "[2606:4700::1111]"])
def test_a_public_host_would_be_connected_to(host: str, connections: list[object], monkeypatch: pytest.MonkeyPatch):
    """So that the tests above would see it."""
    monkeypatch.setattr(resolver, "looked_up", lambda *_: ["93.184.216.34"])
    assert failed(f"http://{host}/photo")[0] == "url_unreachable"
    assert connections


@pytest.mark.parametrize(
    "addresses", [["10.0.0.7"], ["93.184.216.34", "127.0.0.1"], ["fd00::1"], ["169.254.169.254"], None, "never"]
)
def test_what_exists_inside_cannot_be_learnt(
    addresses: list[str] | str | None, connections: list[object], monkeypatch: pytest.MonkeyPatch
):
    """A name of a host inside has the answer of one that does not exist, or that nobody answers for."""
    over = threading.Event()

    def look_up(*_: object) -> list[str]:
        if addresses == "never":
            over.wait(30)
        if not isinstance(addresses, list):
            raise OSError("no such name")
        return addresses

    monkeypatch.setattr(resolver, "looked_up", look_up)
    assert failed("http://intranet.example.org/photo", fetch_connect_s=0.3) == ("url_unreachable", UNREACHABLE)
    over.set()
    assert connections == []


def test_an_answer_that_changes_after_the_check_changes_nothing(host: Host, monkeypatch: pytest.MonkeyPatch):
    """It is looked up once, and the address that was judged is the one that is connected to."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    monkeypatch.setattr(resolver, "looked_up", lambda *_: next(answers))
    assert (
        get(f"http://photos.example.org:{host.server_port}/photo", (f"photos.example.org:{host.server_port}",)) == PHOTO
    )


def test_names_that_nobody_answers_for_hold_no_others_up(host: Host, monkeypatch: pytest.MonkeyPatch):
    over = threading.Event()
    real = resolver.looked_up

    def look_up(name: str, *rest: object) -> list[str]:
        if name.startswith("silent"):
            over.wait(60)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(resolver, "looked_up", look_up)
    fetcher = Fetcher(Settings(fetch_allow=(host.address,), fetch_connect_s=20, fetch_total_s=20))

    async def story() -> bytes:
        silent = [asyncio.ensure_future(fetcher.fetch(f"http://silent{number}.example.org/")) for number in range(20)]
        await asyncio.sleep(0.1)
        photo = await fetcher.fetch(f"{host.url}/photo")
        assert not any(each.done() for each in silent)
        for each in silent:
            each.cancel()
        return photo

    assert asyncio.run(story()) == PHOTO
    over.set()


def test_so_many_are_fetched_at_a_time(host: Host):
    fetcher = Fetcher(Settings(fetch_allow=(host.address,), fetch_total_s=2))

    async def story() -> list[object]:
        return await asyncio.gather(*(fetcher.fetch(f"{host.url}/silent") for _ in range(40)), return_exceptions=True)

    codes = Counter(error.code for error in asyncio.run(story()) if isinstance(error, CutError))
    assert codes == {"url_unreachable": 32, "overloaded": 8}
    assert asyncio.run(fetcher.fetch(f"{host.url}/photo")) == PHOTO


@pytest.mark.parametrize(
    ("settings", "url", "refused"),
    [
        ({"fetch": "off"}, "http://photos.example.org/a.jpg", True),
        ({"fetch_hosts": ("photos.example.org",)}, "http://photos.example.org/a.jpg", False),
        ({"fetch_hosts": ("photos.example.org",)}, "http://PHOTOS.example.org./a.jpg", False),
        ({"fetch_hosts": ("photos.example.org",)}, "http://a.photos.example.org/a.jpg", True),
        ({"fetch_hosts": (".example.org",)}, "http://a.photos.example.org/a.jpg", False),
        ({"fetch_hosts": (".example.org",)}, "http://example.org/a.jpg", False),
        ({"fetch_hosts": (".example.org",)}, "http://badexample.org/a.jpg", True),
        ({"fetch_hosts": (".example.org",)}, "http://example.org.example.com/a.jpg", True),
        ({"fetch_deny": (".example.org",)}, "http://a.example.org/a.jpg", True),
        ({"fetch_deny": (".example.org",)}, "http://example.com/a.jpg", False),
        ({"fetch_hosts": (".example.org",), "fetch_deny": ("b.example.org",)}, "http://b.example.org/a.jpg", True),
    ],
)
def test_the_operator_says_which_hosts(
    settings: dict[str, object], url: str, refused: bool, connections: list[object], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(resolver, "looked_up", lambda *_, **__: ["93.184.216.34"])
    code, message = failed(url, **settings)  # type: ignore[arg-type]
    assert code == ("url_refused" if refused else "url_unreachable")
    assert ("Upload the photo" in message) or not refused
    assert bool(connections) is not refused


@pytest.mark.parametrize("page", ["packed", "headers", "early", "chunks", "location"])
def test_a_hostile_host_costs_no_more_than_the_limits(host: Host, page: str):
    """A bomb is not unpacked; endless headers, interim answers, chunks and redirects end."""
    start = time.monotonic()
    with pytest.raises(CutError) as caught:
        get(f"{host.url}/{page}", (host.address,), fetch_total_s=2, max_body_bytes=1_000_000)
    assert time.monotonic() - start < 20
    assert caught.value.code in {"url_unreachable", "body_too_large", "url_refused"}


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
