"""What a connection may cost: a sender who is slow, silent or sends endless headers is let go.

Owns the bounds that HTTP itself has: connections, the head of a request, the pace of its body and of the answer's
reader. What a body may hold is bounded in `body`. A request that is refused here never reaches the application.
"""

from __future__ import annotations

import asyncio
import http
import ipaddress
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.callers import sender_of
from objectcut.errors import CutError

_HEAD_BYTES = 65_536  # a browser with many cookies sends 16 kB
_HEADERS = 100
_LAST_S = 2.0  # for a sender to read why it was refused
_BROKEN = "This is no HTTP request that can be read: its first line, or a header, is not as HTTP/1.1 wants it."
_ENDLESS = f"The request's headers are too long: at most {_HEAD_BYTES // 1024} kB in {_HEADERS} headers are read."


@dataclass(frozen=True)
class Bounds:
    """What senders may take.

    Attributes:
        connections: at a time, of all senders.
        each: of these, from one sender.
        pace: bytes per second at which a body must arrive, and an answer be read, at least.
        unwanted: bytes of a body that are still read after its answer: a sender that is cut off sees no answer.
        window_s: seconds over which the pace is taken, so that a line may stand still for a while.
        head_s: seconds for the head of a request.
        proxies: addresses and networks of those who pass on the requests of many; `*` is everyone.
    """

    connections: int
    each: int
    pace: int
    unwanted: int
    window_s: float = 15.0
    head_s: float = 10.0
    proxies: Sequence[str] = ()

    def is_proxy(self, address: str) -> bool:
        """Return whether an address is one of a proxy."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return "*" in self.proxies or any(ip in network for network in self._networks)

    @cached_property
    def _networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return [ipaddress.ip_network(each, strict=False) for each in self.proxies if each != "*"]


class BoundedProtocol(HttpToolsProtocol):
    """One connection, within bounds.

    Args:
        bounds: what its sender may take.
        uvicorns: arguments of uvicorn's own protocol.
    """

    def __init__(self, bounds: Bounds, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._bounds = bounds
        self._sender = ""
        self._refused = self._endless = False
        self._reads_head = True
        self._bytes = 0  # of the head that is being read, or of the body in this window
        self._unwanted = 0  # of the body, after the answer
        self._late: asyncio.TimerHandle | None = None  # for the head or the body
        self._unread: asyncio.TimerHandle | None = None  # for the answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self._await_head()
        host = self.client[0] if self.client else ""
        self._sender = "" if self._bounds.is_proxy(host) else sender_of(host)
        if len(self.connections) > self._bounds.connections:
            self._refuse(
                CutError("overloaded", "The server has more connections than it can take. Try again.", retry_after=10)
            )
        elif self._sender and self._siblings() > self._bounds.each:
            self._refuse(
                CutError(
                    "rate_limited",
                    f"You have {self._bounds.each} connections to this server already. Use those, or close some.",
                    retry_after=10,
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self._answer_was_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._reads_head and self._late is None:
            self._await_head()
        self._bytes += len(data)
        if self.cycle is not None and self.cycle.response_complete and not self._reads_head:
            self._unwanted += len(data)
        super().data_received(data)
        if self._endless or (self._reads_head and self._bytes > _HEAD_BYTES):
            self._refuse(CutError("invalid_request", _ENDLESS, details={"max_headers": _HEADERS}))
        elif self._unwanted > self._bounds.unwanted:
            self._leave()

    def on_headers_complete(self) -> None:
        self._cancel()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > _HEAD_BYTES or len(self.headers) > _HEADERS:
            self._endless = True
            return
        super().on_headers_complete()
        self._reads_head, self._bytes, self._unwanted = False, 0, 0
        self._late = self.loop.call_later(self._bounds.window_s, self._check_pace)

    def on_body(self, body: bytes) -> None:
        if not self._endless:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._cancel()
        self._reads_head, self._bytes = True, 0
        if not self._endless:
            super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(
            self._bounds.window_s, self._check_reader, self.transport.get_write_buffer_size()
        )

    def resume_writing(self) -> None:
        self._answer_was_read()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words are for its log
        self._refuse(CutError("invalid_request", _BROKEN))

    def _siblings(self) -> int:
        """How many connections the sender of this one has, with it."""
        return sum(getattr(each, "_sender", "") == self._sender for each in self.connections)

    def _await_head(self) -> None:
        self._late = self.loop.call_later(self._bounds.head_s, self._leave)

    def _check_pace(self) -> None:
        # Where reading is paused it is the server that does not keep the pace.
        if self._bytes < self._bounds.pace * self._bounds.window_s and not self.flow.read_paused:
            self._refuse(
                CutError(
                    "invalid_request",
                    f"The request arrives too slowly: less than {self._bounds.pace / 1000:g} kB per second. Send it "
                    "over a faster line, or make the photo smaller.",
                )
            )
            return
        self._bytes = 0
        self._late = self.loop.call_later(self._bounds.window_s, self._check_pace)

    def _check_reader(self, unread: int) -> None:
        """Let a reader go who took too little of the answer since this many bytes were left."""
        left = self.transport.get_write_buffer_size()
        if unread - left < self._bounds.pace * self._bounds.window_s:
            self.transport.abort()
        else:
            self._unread = self.loop.call_later(self._bounds.window_s, self._check_reader, left)

    def _refuse(self, error: CutError) -> None:
        """Answer instead of the application, if nothing was answered yet, and end the connection."""
        busy = self.cycle is not None and not self.cycle.response_complete  # maybe with the request before this one
        if not self.pipeline and not (busy if self._reads_head else self.cycle.response_started):
            self.transport.write(_written(error))
        if busy:
            self.cycle.disconnected = True  # as if the sender had left: the application ends what it does
            self.cycle.message_event.set()
        self._refused = True
        self._cancel()
        # Whoever closes a connection with unread bytes in it takes the answer back. What comes meanwhile is dropped.
        self.transport.write_eof()
        self.loop.call_later(_LAST_S, self._leave)

    def _leave(self) -> None:
        self._cancel()
        if not self.transport.is_closing():
            self.transport.close()

    def _cancel(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _answer_was_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def _written(error: CutError) -> bytes:
    """Return an answer as the gateway's others are: shape, request id and headers."""
    request_id = uuid.uuid4().hex
    body = error.body(request_id)
    headers = {
        **error.headers,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
        "Connection": "close",
    }
    head = [f"HTTP/1.1 {error.status} {http.HTTPStatus(error.status).phrase}"]
    return "\r\n".join([*head, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body
