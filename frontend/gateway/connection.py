"""HTTP calls of TorchServe: tokens and time-outs. What a reply means is read in `servedmodel`."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from gateway.changingfile import ChangingFile
from gateway.inflight import Ticket
from objectcut.errors import CutError
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
_TRIES, _AGAIN_S = 20, 0.25
_STARTING = "The model is still starting. Try again in a few seconds."


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer of TorchServe: the handler's, or one that it made itself."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body, whatever is in it."""
        return self.body.decode("utf-8", "replace")


class Disconnected(CutError):
    """There is no connection to TorchServe, or it ended before the answer was whole; `not_ready` for senders.

    Args:
        begun: whether there was one: TorchServe may have had the request when it ended. It also ends answers in their
            middle, when the worker died behind what it had sent.
    """

    def __init__(self, begun: bool) -> None:
        super().__init__("not_ready", _STARTING, retry_after=5)
        self.begun = begun


class Connection:
    """Connections to a TorchServe on loopback with tokens on.

    Args:
        settings: the key file.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._keys: dict[str, str] = {}
        self._key_file = ChangingFile(settings.key_file)

    async def close(self) -> None:
        """Close them."""
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        url: str,
        key: str | None,
        longest_s: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ticket: Ticket | None = None,
    ) -> Reply:
        """Send one request, once more where TorchServe has new tokens, or trips over its own threads.

        Args:
            method: of HTTP.
            url: one of TorchServe's.
            key: which of its tokens; None for a port without.
            longest_s: seconds for all of it.
            headers: beside the token.
            body: of the request.
            ticket: is told when the handler begins to answer.

        Raises:
            CutError: `not_ready` or `overloaded`.
            Disconnected: TorchServe is away, or ended the connection.
        """
        if self._session is None:  # it belongs to the event loop, which did not run yet when this object was made
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # TorchServe has the queue
            )
        keys_refused = False
        for _ in range(_TRIES):
            self.refresh_keys()
            token = {"Authorization": f"Bearer {self._keys.get(key, '')}"} if key else {}
            data = None if body is None else io.BytesIO(body)  # sent piece by piece, between other requests
            timeout = aiohttp.ClientTimeout(total=longest_s, sock_connect=min(longest_s, 3.0))
            try:
                async with self._session.request(
                    method, url, headers={**(headers or {}), **token}, data=data, timeout=timeout
                ) as reply:
                    if ticket is not None:
                        ticket.answering = "x-model" in reply.headers
                    answer = Reply(reply.status, reply.headers, await reply.read())
            except asyncio.TimeoutError as error:
                raise too_late() from error
            except aiohttp.ClientError as error:
                raise Disconnected(begun=not isinstance(error, aiohttp.ClientConnectorError)) from error
            if answer.status == 400 and b"InvalidKeyException" in answer.body:
                if keys_refused:
                    logger.error("TorchServe refuses the keys in %s", self._settings.key_file)
                    raise not_ready()
                keys_refused = True
                self._key_file.forget()  # a server that just started wrote a new file
            elif key == "management" and b"ConcurrentModificationException" in answer.body:
                # It lists its workers while other threads of it start and stop some. What is called there can be
                # repeated: it reads, or names a number of workers.
                await asyncio.sleep(_AGAIN_S)
            else:
                return answer
        return answer

    def refresh_keys(self) -> tuple[int, int]:
        """Read the key file when it is another than last time: TorchServe writes a new one at each start.

        Returns:
            What tells one start from the next.
        """
        try:
            if self._key_file.changed():
                entries = json.loads(self._key_file.path.read_bytes())
                self._keys = {name: entry["key"] for name, entry in entries.items()}
        except FileNotFoundError:
            pass  # a TorchServe that runs goes on with the keys that it wrote, whoever deleted the file
        except (OSError, ValueError, LookupError, TypeError):
            self._keys = {}
            self._key_file.forget()
        return self._key_file.stamp


def not_ready() -> CutError:
    """Return the error for a server whose model cannot be asked yet."""
    return CutError("not_ready", _STARTING, retry_after=5)


def too_late() -> CutError:
    """Return the error for a request that took too long."""
    return CutError("overloaded", "The server did not finish in time. Try again in a while.", retry_after=30)
