"""What became of each request: status, error code, bytes both ways, seconds. Measured once, for log and metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from objectcut.errors import code_of


@dataclass(eq=False)
class Exchange:
    """A request and its answer.

    Attributes:
        scope: of the request, as the application left it.
        status: of the answer; 0 where none was begun.
        code: of an error, a key of `errors.STATUS`; empty for other answers. Calls that answer in another shape than
            ours leave it in `request.state.code`.
        bytes_in: of the body, as far as it was read.
        bytes_out: of the answer's body, before it is compressed for its way.
        seconds: from the request's head to the end of the answer.
    """

    scope: Scope
    status: int = 0
    code: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0


class Exchanges:
    """ASGI middleware that tells of every request when it is over, inside of `RequestId`.

    Args:
        app: the application.
        traced: is there as long as a request is.
        observers: are told of each.
    """

    def __init__(
        self,
        app: ASGIApp,
        traced: Callable[[Exchange], AbstractContextManager[None]],
        observers: Sequence[Callable[[Exchange], None]],
    ) -> None:
        self._app = app
        self._traced = traced
        self._observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.monotonic()
        exchange = Exchange(scope)

        async def heard() -> Message:
            message = await receive()
            exchange.bytes_in += len(message.get("body", b""))
            return message

        async def told(message: Message) -> None:
            exchange.status = message.get("status", exchange.status)
            body = message.get("body", b"")
            if exchange.status >= 400 and not exchange.bytes_out:
                exchange.code = scope["state"].get("code") or code_of(body)
            exchange.bytes_out += len(body)
            await send(message)

        try:
            with self._traced(exchange):
                await self._app(scope, heard, told)
        finally:
            exchange.seconds = time.monotonic() - start
            for observer in self._observers:
                observer(exchange)
