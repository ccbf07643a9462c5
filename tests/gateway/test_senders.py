"""Senders who are slow, silent or endless: through real sockets and a real uvicorn."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial

import pytest
from conftest import alone, serving, wait_until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.routes import create_app
from gateway.senders import BoundedProtocol, Bounds

PATIENCE_S = 30  # for what takes less than a second, on the slowest machine
LIMIT = 1_000_000
BOUNDS = Bounds(connections=50, each=50, pace=20_000, unwanted=4 * LIMIT, window_s=2.0, head_s=3.0)
POST = b"POST /cut HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def gateway(bounds: Bounds = BOUNDS, **settings: object) -> Iterator[Callable[[], socket.socket]]:
    """What connects to a gateway with these bounds, without a TorchServe behind it."""
    app = create_app(alone(max_body_bytes=LIMIT, **settings))
    with serving(app, http=partial(BoundedProtocol, bounds)) as url:
        host, port = url.removeprefix("http://").split(":")
        yield lambda: socket.create_connection((host, int(port)), PATIENCE_S)


@pytest.fixture(scope="module")
def connect() -> Iterator[Callable[[], socket.socket]]:
    with gateway() as connecting:
        yield connecting


def read(connection: socket.socket) -> bytes:
    """Everything until the connection ends."""
    heard = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 20):
            heard += chunk
    return heard


def answer(connection: socket.socket) -> bytes:
    """One answer."""
    heard = b""
    while (length := re.search(rb"(?i)content-length: (\d+)", heard)) is None or not heard.partition(b"\r\n\r\n")[2]:
        chunk = connection.recv(1 << 20)
        assert chunk, heard
        heard += chunk
    while len(heard.partition(b"\r\n\r\n")[2]) < int(length[1]):
        heard += connection.recv(1 << 20)
    return heard


def refusal(heard: bytes) -> tuple[int, str, str]:
    """Status, code and message of the one answer that there is, in the shape that every error has."""
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    told = json.loads(body)
    assert set(told) == {"error", "code", "message", "details", "request_id"}
    assert headers["x-request-id"] == told["request_id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in headers
    return int(first.split()[1]), told["code"], told["message"]


def trickle(connection: socket.socket, data: bytes) -> None:
    """Send a byte now and then until nobody takes it any more."""

    def sending() -> None:
        with suppress(OSError):
            for place in range(len(data)):
                connection.sendall(data[place : place + 1])
                time.sleep(0.1)

    threading.Thread(target=sending, daemon=True).start()


@pytest.mark.parametrize("at_first", [0, 1000, 90_000 - 1])
def test_a_body_that_comes_too_slowly_is_refused(at_first: int, connect: Callable[[], socket.socket]):
    """Also when only its last byte is kept back."""
    with connect() as sender:
        sender.sendall(POST % 90_000 + bytes(at_first))
        trickle(sender, bytes(90_000 - at_first - 1))
        status, code, message = refusal(read(sender))
    assert (status, code) == (400, "invalid_request")
    assert "arrives too slowly: less than 20 kB per second" in message


def test_a_body_that_keeps_the_pace_is_read_however_long_it_takes():
    with gateway(Bounds(50, 50, 10, LIMIT, window_s=2.0)) as connect, connect() as sender:
        sender.sendall(POST % 5000)
        for _ in range(50):
            time.sleep(0.1)
            sender.sendall(bytes(100))
        assert refusal(answer(sender))[1] == "not_ready"


@pytest.mark.parametrize(
    "head", [b"", b"\r\n", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: "]
)
def test_a_head_that_never_ends_is_let_go(head: bytes, connect: Callable[[], socket.socket]):
    with connect() as sender:
        sender.sendall(head)
        trickle(sender, b"\r\n" * 500 if head in {b"", b"\r\n"} else b"a" * 1000)
        assert read(sender) == b""


def test_the_head_of_a_second_request_may_take_no_longer(connect: Callable[[], socket.socket]):
    with connect() as sender:
        sender.sendall(GET)
        assert b"200 OK" in answer(sender)
        trickle(sender, b"GET / HTTP/1.1\r\nX: " + b"a" * 600)
        assert b"HTTP" not in read(sender)


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(connect: Callable[[], socket.socket]):
    with connect() as sender:
        sender.sendall(POST % 30_000_000)
        heard = answer(sender)
    assert refusal(heard)[:2] == (413, "body_too_large")


def test_who_sends_all_of_a_body_that_is_too_large_sees_why(connect: Callable[[], socket.socket]):
    with connect() as sender:
        sender.sendall(POST % (3 * LIMIT) + bytes(3 * LIMIT))
        assert refusal(answer(sender))[:2] == (413, "body_too_large")
        sender.sendall(GET)  # and the connection is as good as new
        assert b"200 OK" in answer(sender)


def test_a_body_that_nobody_wants_is_not_read_for_ever(connect: Callable[[], socket.socket]):
    with connect() as sender:
        sender.sendall(POST % (1 << 40))
        with pytest.raises(OSError):  # noqa: PT011  # however the system tells that the other side is gone
            sender.sendall(bytes(100 * LIMIT))


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000_000,
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /cut HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"Content-Length: 5\r\n\r\nphoto",
    ],
)
def test_endless_headers_are_refused(head: bytes, connect: Callable[[], socket.socket]):
    with connect() as sender:
        with suppress(OSError):
            sender.sendall(head)
        status, code, message = refusal(read(sender))
    assert (status, code) == (400, "invalid_request")
    assert "at most 64 kB in 100 headers" in message


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /cut HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /cut HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    ],
)
def test_what_is_no_request_is_told_so(sent: bytes, connect: Callable[[], socket.socket]):
    with connect() as sender:
        sender.sendall(sent)
        status, code, message = refusal(read(sender))
    assert (status, code) == (400, "invalid_request")
    assert "no HTTP request that can be read" in message


def test_more_connections_than_the_server_takes_are_told_when_to_come_back():
    with gateway(Bounds(3, 3, 20_000, LIMIT)) as connect:
        held = [connect() for _ in range(3)]
        for connection in held:
            connection.sendall(GET)
            assert b"200 OK" in answer(connection)
        with connect() as another:
            heard = read(another)
        assert refusal(heard)[:2] == (503, "overloaded")
        assert b"Retry-After: " in heard
        for connection in held:
            connection.close()
        with connect() as later:
            later.sendall(GET)
            assert b"200 OK" in answer(later)


@pytest.mark.parametrize(
    ("proxies", "served"), [((), 2), (("10.0.0.0/8",), 2), (("127.0.0.1",), 4), (("127.0.0.0/8",), 4), (("*",), 4)]
)
def test_one_address_may_have_no_more_than_its_part_of_the_connections(proxies: tuple[str, ...], served: int):
    with gateway(Bounds(50, 2, 20_000, LIMIT, proxies=proxies)) as connect, ExitStack() as stack:
        heard = []
        for _ in range(4):
            connection = stack.enter_context(connect())
            with suppress(OSError):  # it may be refused before it asks
                connection.sendall(GET)
            heard.append(answer(connection))
    assert [b"200 OK" in each for each in heard] == [place < served for place in range(4)]
    assert {refusal(each)[:2] for each in heard[served:]} <= {(429, "rate_limited")}
    assert all(b"Retry-After: " in each for each in heard[served:])


def test_bodies_are_bounded_together_as_soon_as_they_are_announced():
    with gateway(Bounds(50, 50, 1, LIMIT), bodies_mb=1) as connect:

        def heard() -> bytes:
            with connect() as another:
                another.sendall(POST % 200_000 + bytes(200_000))
                return answer(another)

        with connect() as holder:
            holder.sendall(POST % 900_000 + b"1")
            trickle(holder, bytes(1000))
            wait_until(lambda: refusal(heard())[:2] == (503, "overloaded"), PATIENCE_S, "the first one's arrival")
            assert b"retry-after: " in heard()
        wait_until(lambda: refusal(heard())[1] == "not_ready", PATIENCE_S, "the first one's end")


def test_an_answer_that_nobody_reads_is_dropped():
    async def large(_: Request) -> Response:
        return Response(bytes(50_000_000))

    app = Starlette(routes=[Route("/", large)])
    bounds = replace(BOUNDS, window_s=0.5)
    with serving(app, http=partial(BoundedProtocol, bounds)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as reader:
            reader.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(10 * bounds.window_s)
            assert len(read(reader)) < 50_000_000
