"""The gateway's side of TorchServe: tokens, calls, and its failures in the words of the public interface.

TorchServe says the same few things for very different troubles. A reply that carries the handler's `X-Model` is the
handler's own and goes through as it is; anything else is TorchServe speaking and is translated here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from inflight import InFlight
from objectcut.errors import CutError, internal
from objectcut.picturefield import BACKDROP
from objectcut.request import CutRequest
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
_MODEL = "objectcut"
_RESTART_S, _POLL_S = 20.0, 0.25  # a worker that died is back in about 6 s with the bundled model
_PATIENCE_S = 5.0  # after which it is worth a look whether TorchServe still has a request
_PASSED_ON = ("content-type", "x-object-count", "x-object-ids", "x-foreground-box", "retry-after", "x-model")


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer of TorchServe: the handler's, or one that it made itself."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TorchServe:
    """A TorchServe on loopback with tokens on.

    Args:
        settings: addresses, the key file and the longest wait.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._keys: dict[str, str] = {}
        self._keys_read = (0, 0)
        self._description: dict[str, Any] | None = None
        self._in_flight = InFlight()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def predict(self, request: CutRequest, accept: str, request_id: str) -> Reply:
        """Send a request that has its photo to the handler.

        Raises:
            CutError: TorchServe could not bring it to the handler, or not back.
        """
        for attempt in (1, 2):
            reply = await self._ask(request, accept, request_id)
            if reply is not None and "x-model" in reply.headers:
                self._in_flight.answered(reply.headers.get("x-worker", ""))
                headers = {name: reply.headers[name] for name in _PASSED_ON if name in reply.headers}
                return Reply(reply.status, headers, reply.body)
            told = f"answered {reply.status}: {_text(reply)[:500]}" if reply else f"lost {request_id} with a worker"
            logger.warning("TorchServe itself %s", " ".join(told.split()))
            # A worker that dies takes its whole batch with it, and scaling down stops a worker in the middle of one.
            # A cut changes nothing, so it can be asked for again; once, in case the photo is what killed the worker.
            if attempt == 1 and (reply is None or _worker_died(reply)):
                await self._until_ready()
            else:
                break
        raise _worker_gone() if reply is None else await self._translated(reply)

    async def _ask(self, request: CutRequest, accept: str, request_id: str) -> Reply | None:
        """TorchServe's answer; None when it lost the request."""
        assert request.photo is not None
        files = {"image_file": request.photo}
        if request.backdrop is not None:
            files[BACKDROP] = request.backdrop
        with self._in_flight.sent() as ticket:
            call = asyncio.ensure_future(
                self._call(
                    "POST",
                    f"{self._settings.inference_url}/predictions/{_MODEL}/1.0/{request.task}",
                    "inference",
                    headers={"Accept": accept, "X-Request-Id": request_id},
                    form={**request.form(), **files},
                )
            )
            try:
                while not (await asyncio.wait({call}, timeout=_PATIENCE_S))[0]:
                    state = await self._state()
                    if state is not None and self._in_flight.lost(ticket, *state):
                        return None
                return call.result()
            finally:
                call.cancel()

    @property
    def in_flight(self) -> int:
        """Photos that TorchServe has and has not answered yet."""
        return len(self._in_flight)

    async def describe(self) -> dict[str, Any]:
        """The model that runs: card, classes and their words, as `describe_handle` tells them.

        Raises:
            CutError: `not_ready`.
        """
        self._fresh_keys()
        if self._description is None:
            url = f"{self._settings.management_url}/models/{_MODEL}?customized=true"
            reply = await self._call("GET", url, "management")
            try:
                told = json.loads(reply.body)[0]["customizedMetadata"]
                self._description = json.loads(told) if isinstance(told, str) else told
            except (ValueError, LookupError, TypeError):
                self._description = None
        if not self._description:
            raise _not_ready()
        return self._description

    async def ready(self) -> bool:
        """Whether a worker waits for photos."""
        state = await self._state()
        return state is not None and bool(state[0])

    async def _state(self) -> tuple[set[str], int] | None:
        """The process ids of the workers that are ready and how many requests are queued; None: it cannot be told."""
        try:
            reply = await self._call("GET", f"{self._settings.management_url}/models/{_MODEL}", "management")
            told = json.loads(reply.body)[0]
            ready = {str(worker["pid"]) for worker in told["workers"] if worker["status"] == "READY"}
            return ready, int(told["jobQueueStatus"]["pendingRequests"])
        except (CutError, ValueError, LookupError, TypeError):
            return None

    async def _until_ready(self) -> None:
        """Wait for a worker, but not for ever."""
        for _ in range(int(_RESTART_S / _POLL_S)):
            if await self.ready():
                return
            await asyncio.sleep(_POLL_S)

    async def metrics(self) -> str:
        """The metrics port's text, in Prometheus' format.

        Raises:
            CutError: `not_ready`.
        """
        reply = await self._call("GET", f"{self._settings.metrics_url}/metrics", None)
        if reply.status != 200:
            raise CutError("not_ready", "TorchServe does not tell its metrics. Try again soon.", retry_after=5)
        return _text(reply)

    async def _call(
        self,
        method: str,
        url: str,
        key: str | None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str | bytes] | None = None,
    ) -> Reply:
        if self._session is None:  # it belongs to the event loop, which did not run yet when this object was made
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.answer_s, sock_connect=3.0),
                connector=aiohttp.TCPConnector(limit=0),  # TorchServe has the queue
            )
        for attempt in (1, 2):
            self._fresh_keys()
            token = {"Authorization": f"Bearer {self._keys.get(key, '')}"} if key else {}
            data = _multipart(form) if form else None
            try:
                async with self._session.request(method, url, headers={**(headers or {}), **token}, data=data) as reply:
                    answer = Reply(reply.status, reply.headers, await reply.read())
            except asyncio.TimeoutError as error:
                raise CutError(
                    "overloaded", "The server did not finish in time. Try again in a while.", retry_after=30
                ) from error
            except aiohttp.ClientError as error:
                raise _not_ready() from error
            if answer.status != 400 or b"InvalidKeyException" not in answer.body:
                return answer
            if attempt == 1:
                self._keys_read = (0, 0)  # a server that just started wrote a new file
        logger.error("TorchServe refuses the keys in %s", self._settings.key_file)
        raise _not_ready()

    def _fresh_keys(self) -> None:
        """Read the key file when it is another than last time: TorchServe writes a new one at each start."""
        try:
            stat = self._settings.key_file.stat()
            if (stat.st_mtime_ns, stat.st_ino) == self._keys_read:
                return
            entries = json.loads(self._settings.key_file.read_bytes())
            self._keys = {name: entry["key"] for name, entry in entries.items()}
            self._keys_read = (stat.st_mtime_ns, stat.st_ino)
            self._description = None  # a new server may run another model
        except (OSError, ValueError, LookupError, TypeError):
            self._keys = {}

    async def _translated(self, reply: Reply) -> CutError:
        """What TorchServe itself answered, as one of our errors."""
        status, text = reply.status, _text(reply)
        if status == 413:
            return CutError(
                "body_too_large",
                "The request is larger than the server accepts. Make the photo smaller.",
                details={"max_bytes": self._settings.max_body_bytes},
            )
        if status == 503 and "no worker" in text:
            # The same words stand for a full queue and for a model without workers.
            if await self.ready():
                return CutError(
                    "overloaded", "The server has more photos waiting than it can take. Try again soon.", retry_after=5
                )
            return _not_ready()
        if status == 507 and not _worker_died(reply):
            return CutError(
                "overloaded", "The server has no memory left for this photo. Try again soon.", retry_after=10
            )
        if status in {404, 500, 507}:
            return _worker_gone()
        return internal()


def _multipart(fields: Mapping[str, str | bytes]) -> aiohttp.MultipartWriter:
    """A form; bytes become a file."""
    form = aiohttp.MultipartWriter("form-data")
    for name, value in fields.items():
        if isinstance(value, str):
            form.append(value).set_content_disposition("form-data", name=name)
        else:
            part = form.append(value, {"Content-Type": "application/octet-stream"})
            part.set_content_disposition("form-data", name=name, filename="photo")
    return form


def _worker_died(reply: Reply) -> bool:
    return reply.status in {500, 507} and b"Worker died" in reply.body


def _text(reply: Reply) -> str:
    return reply.body.decode("utf-8", "replace")


def _not_ready() -> CutError:
    return CutError("not_ready", "The model is still starting. Try again in a few seconds.", retry_after=5)


def _worker_gone() -> CutError:
    return CutError(
        "not_ready", "The model stopped while it worked and is starting again. Try again soon.", retry_after=10
    )
