"""The gateway's side of one model in TorchServe: calls, its workers, and failures in the words of the interface.

TorchServe says the same few things for very different troubles. A reply that carries the handler's `X-Model` is the
handler's own and goes through as it is; anything else is TorchServe speaking and is translated here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from gateway.admission import Admission, Room
from gateway.connection import Broken, Connection, Reply, not_ready
from gateway.inflight import InFlight, Ticket
from gateway.work import Work
from objectcut.catalogue import Entry, description
from objectcut.errors import CutError, internal
from objectcut.request import wire
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings
from objectcut.worker.abandoned import Abandoned
from objectcut.worker.memory import free_bytes

logger = logging.getLogger(__name__)
Made = TypeVar("Made")
_RESTART_S, _POLL_S = 20.0, 0.25  # a worker that died is back in about 6 s with the bundled model
_WORD_S = 2.0  # for anything but a cut; a TorchServe that takes longer for it does not work
_LOOK_S = 2.0
_LOAD_S = 60.0  # after which a worker that does not come keeps no other model waiting
_PROBE_S = 4.0  # between two probes: the last one may be lost itself
_BATCH = 8  # until TorchServe is asked
_AHEAD = 2  # batches a worker is given: the one that it works on, and the next
_PASSED_ON = ("content-type", "x-object-count", "x-object-ids", "x-foreground-box", "retry-after", "x-model")


@dataclass(frozen=True)
class _State:
    """The process ids of the workers that are ready, how many requests each takes at once, and how many are wanted."""

    workers: Set[str]
    batch: int
    wanted: int


class ServedModel:
    """One model of a TorchServe on loopback.

    Args:
        settings: addresses and the longest waits.
        connection: to TorchServe.
        room: shared with the other models.
        turn: likewise: who has it may change how many workers a model has.
        path: where TorchServe has it, as `objectcut.catalogue` makes it.
        entry: what is known of the model without asking a worker; None leaves that to TorchServe.
        may_sleep: tells whether it gives up its worker when nobody asks for it, as all but the default model do.
    """

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        room: Room,
        turn: asyncio.Lock,
        path: str,
        entry: Entry | None,
        may_sleep: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._path, self.entry = path, entry
        self._may_sleep = may_sleep
        self._described = (0, 0)  # by which start of TorchServe
        self._description: dict[str, Any] | None = None
        self._in_flight = InFlight()
        self._room, self._admission = room, Admission(_AHEAD * _BATCH, room)
        self._abandoned = Abandoned(settings.abandoned)
        self._lost: dict[Ticket, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._probed = float("-inf")
        self._used = time.monotonic()
        self._turn = turn
        self._asleep = False  # whether its worker was taken since it woke
        self._loaded = False  # whether a worker of a model that may sleep has been ready since it woke
        self._loading: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Leave what is in flight."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def predict(self, request: CutRequest, accept: str, request_id: str) -> Reply:
        """Send a request that has its photo to the handler, when its turn comes.

        Whoever is cancelled before has never been there. After that TorchServe cannot be stopped any more: its workers
        are told not to begin it, and the place stays taken until it has gone through.

        Raises:
            CutError: TorchServe could not bring it to the handler, or not back.
        """
        work = await asyncio.to_thread(Work.of, request, self._settings.max_pixels)
        self._used = time.monotonic()
        if self._asleep or self._may_sleep():  # the default may have been put to sleep before it was the default
            await self._wake()
            self._used = time.monotonic()
        self._watch()
        await self._admission.enter(work)
        left = asyncio.Event()
        name = uuid.uuid4().hex  # not the request's id, which its sender may choose
        headers = {"Accept": accept, "X-Request-Id": request_id, "X-Ticket": name}
        sent = self._begin(self._predict(request, headers, left))
        sent.add_done_callback(lambda _: self._left(work))
        try:
            return await asyncio.shield(sent)
        except asyncio.CancelledError:
            left.set()
            self._abandoned.add(name)
            sent.add_done_callback(lambda _: self._abandoned.discard(name))
            raise

    def _left(self, work: Work) -> None:
        self._used = time.monotonic()
        self._admission.leave(work)

    def _begin(self, work: Coroutine[Any, Any, Made]) -> asyncio.Task[Made]:
        """Do the work whether anybody waits for it or not."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # if nobody else asks for it
        return task

    async def _predict(self, request: CutRequest, headers: Mapping[str, str], left: asyncio.Event) -> Reply:
        for attempt in (1, 2):
            reply = await self._ask(request, headers)
            if reply is not None and "x-model" in reply.headers:
                passed_on = {name: reply.headers[name] for name in _PASSED_ON if name in reply.headers}
                return Reply(reply.status, passed_on, reply.body)
            lost = f"lost {headers['X-Request-Id']} with a worker"
            event = f"answered {reply.status}: {reply.text[:500]}" if reply else lost
            logger.warning("TorchServe itself %s", " ".join(event.split()))
            # A worker that dies takes its whole batch with it, and scaling down stops a worker in the middle of one.
            # A cut changes nothing, so it can be asked for again; once, in case the photo is what killed the worker.
            if attempt == 1 and not left.is_set() and (reply is None or _worker_died(reply)):
                await self._until_ready()
            else:
                break
        raise _worker_gone() if reply is None else await self._translated(reply)

    async def _ask(self, request: CutRequest, headers: Mapping[str, str]) -> Reply | None:
        """TorchServe's answer; None when it lost the request."""
        assert request.photo is not None
        body = wire.pack(request.form(), request.photo, request.backdrop)
        ticket = self._in_flight.send(time.monotonic(), request.nbytes)
        lost = self._lost[ticket] = asyncio.get_running_loop().create_future()
        call = asyncio.ensure_future(self._infer(request.task, headers, body, ticket))
        try:
            await asyncio.wait({call, lost}, return_when=asyncio.FIRST_COMPLETED)
            return call.result() if call.done() else None
        except Broken:
            return None
        finally:
            call.cancel()
            del self._lost[ticket]
            self._in_flight.close(ticket)

    async def _infer(self, task: str, headers: Mapping[str, str], body: bytes, ticket: Ticket) -> Reply:
        url = f"{self._settings.inference_url}/predictions/{self._path}/{task}"
        headers = {**headers, "Content-Type": wire.MEDIA_TYPE}
        reply = await self._connection.call("POST", url, "inference", self._settings.answer_s, headers, body, ticket)
        if "x-worker" in reply.headers:
            self._in_flight.answered(reply.headers["x-worker"], ticket.sent)
        return reply

    def _watch(self) -> None:
        """Look after what TorchServe has, as long as it has anything."""
        if self._watching is None or self._watching.done():
            self._watching = self._begin(self._look())

    async def _look(self) -> None:
        await asyncio.sleep(_LOOK_S)
        while len(self._admission):
            state = await self._state()
            now = time.monotonic()
            for ticket in self._in_flight.look(state.workers, now) if state else ():
                self._lost[ticket].set_result(None)
            if self._in_flight.in_doubt(now) and now - self._probed > _PROBE_S:
                self._probed = now
                self._begin(self._probe())
            await asyncio.sleep(_LOOK_S)

    async def _probe(self) -> None:
        """Ask for nothing: the refusal tells which worker has come this far in the queue."""
        ticket = Ticket(time.monotonic())
        with suppress(CutError, Broken):
            await self._infer("cut", {"X-Request-Id": "probe"}, wire.pack({}, b""), ticket)

    @property
    def in_flight(self) -> int:
        """Photos that wait for their turn, and those that TorchServe has and has not answered yet."""
        return len(self._admission)

    async def card(self) -> Mapping[str, Any]:
        """Return the model's card, as `/labels` tells it.

        Raises:
            CutError: `not_ready`: only TorchServe knows it, and does not tell it now.
        """
        described = self._known if self.entry is not None else await self.describe()
        return dict(described["card"])

    async def describe(self) -> dict[str, Any]:
        """Return the model: card, classes and their words, as `describe_handle` tells them; where it runs, if it does.

        Raises:
            CutError: `not_ready`.
        """
        if self.entry is not None and self._may_sleep():
            return self._known
        start = self._connection.refresh_keys()
        if self._description is None or start != self._described:  # a new server may run another model
            self._described = start
            url = f"{self._settings.management_url}/models/{self._path}?customized=true"
            reply = await self._connection.call("GET", url, "management", self._settings.answer_s)
            try:
                metadata = json.loads(reply.body)[0]["customizedMetadata"]
                self._description = json.loads(metadata) if isinstance(metadata, str) else metadata
            except (ValueError, LookupError, TypeError):
                self._description = None
        if not self._description:
            raise not_ready()
        return self._description

    @cached_property
    def _known(self) -> dict[str, Any]:
        """What is known of the model without a worker."""
        assert self.entry is not None
        return description(self.entry.card)

    async def ready(self) -> bool:
        """Return whether a worker waits for photos."""
        state = await self._state()
        return state is not None and bool(state.workers)

    async def _state(self) -> _State | None:
        """Return the state of the workers; None when TorchServe does not answer."""
        try:
            reply = await self._connection.call(
                "GET", f"{self._settings.management_url}/models/{self._path}", "management", _WORD_S
            )
            if reply.status == 404:  # this version was replaced or removed
                return _State(frozenset(), _BATCH, 0)
            model = json.loads(reply.body)[0]
            ready = {str(worker["pid"]) for worker in model["workers"] if worker["status"] == "READY"}
            state = _State(ready, int(model["batchSize"]), int(model["maxWorkers"]))
        except (CutError, ValueError, LookupError, TypeError):
            return None
        self._admission.resize(_AHEAD * state.batch * max(len(state.workers), 1))
        return state

    async def _until_ready(self) -> None:
        """Wait for a worker, but not for ever, nor where none is to come."""
        deadline = time.monotonic() + _RESTART_S
        while time.monotonic() < deadline:
            state = await self._state()
            if state is not None and (state.workers or not state.wanted):
                return
            await asyncio.sleep(_POLL_S)

    async def _wake(self) -> None:
        """Give a model that sleeps its worker back, and wait for it.

        Raises:
            CutError: `not_ready`: it takes longer, or `overloaded`: there is no memory for it now.
        """
        if self._loaded:
            return
        if self._loading is None or self._loading.done():
            self._loading = self._begin(self._load())
        loading = self._loading
        await asyncio.wait({loading}, timeout=self._settings.wake_s)
        if not loading.done():
            raise self._being_loaded()
        loading.result()

    async def _load(self) -> None:
        """Have a worker. Goes on when nobody waits for it any more: only then it is known what memory is left.

        Raises:
            CutError: as `_wake`.
        """
        assert self.entry is not None
        async with self._turn:  # the next model looks for memory when this one has taken its own
            start = time.monotonic()
            while (state := await self._state()) is None:  # TorchServe is slow to answer while it starts workers
                if time.monotonic() >= start + _LOAD_S:
                    raise not_ready()
                await asyncio.sleep(_POLL_S)
            free = free_bytes()
            if not state.wanted and free < self.entry.needs:
                raise CutError(
                    "overloaded",
                    f"The model '{self.entry.card.name}' needs about {self.entry.needs / 1e6:.0f} MB of memory, "
                    f"and {free / 1e6:.0f} MB are free. Use another model, or try again later.",
                    retry_after=60,
                )
            if not state.wanted:
                await self._scale(1)
            self._asleep = False
            loaded = await self._ready_until(start + _LOAD_S)
        if not loaded and not await self._ready_until(start + self._settings.wake_s):
            raise self._being_loaded()
        self._loaded, self._used = True, time.monotonic()

    async def _ready_until(self, deadline: float) -> bool:
        """Return whether a worker is ready, as soon as one is, or at the deadline at the latest."""
        while not await self.ready():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def _being_loaded(self) -> CutError:
        assert self.entry is not None
        return CutError(
            "not_ready", f"The model '{self.entry.card.name}' is being loaded. Try again soon.", retry_after=5
        )

    async def sleep_if_idle(self) -> None:
        """Take the worker from a model that nobody has asked for `idle_s` seconds.

        Raises:
            CutError: as `_wake`: it became the default in the moment when its worker was taken.
        """
        async with self._turn:
            if not self._may_sleep():
                self._loaded = False  # it may sleep another time, and its workers are others' affair now
            elif self._idle and not self._asleep:
                self._asleep, self._loaded = True, False  # before anything is awaited: who comes now wakes it again
                await self._scale(0)
        if self._asleep and not self._may_sleep():
            await self._wake()

    @property
    def _idle(self) -> bool:
        loading = self._loading is not None and not self._loading.done()
        unused_s = time.monotonic() - self._used
        return unused_s > self._settings.idle_s and not loading and not len(self._admission)

    async def _scale(self, workers: int) -> None:
        """Ask for this many workers; one that goes finishes what it has in hand."""
        url = f"{self._settings.management_url}/models/{self._path}?min_worker={workers}&max_worker={workers}"
        reply = await self._connection.call("PUT", url, "management", _WORD_S)
        if reply.status < 300:
            return
        logger.error("TorchServe did not scale %s to %d: %s", self._path, workers, " ".join(reply.text.split())[:300])
        raise not_ready()

    async def _translated(self, reply: Reply) -> CutError:
        """Return what TorchServe itself answered, as one of our errors."""
        status, text = reply.status, reply.text
        if status == 413:
            return CutError(
                "body_too_large",
                "The request is larger than the server accepts. Make the photo smaller.",
                details={"max_bytes": self._settings.max_body_bytes},
            )
        if status == 503 and "no worker" in text:
            # The same words stand for a full queue and for a model without workers.
            if await self.ready():
                return self._room.refusal()
            return not_ready()
        if status == 507 and not _worker_died(reply):
            return CutError(
                "overloaded", "The server has no memory left for this photo. Try again soon.", retry_after=10
            )
        if status in {404, 500, 507}:
            return _worker_gone()
        return internal()


def _worker_died(reply: Reply) -> bool:
    return reply.status in {500, 507} and b"Worker died" in reply.body


def _worker_gone() -> CutError:
    return CutError(
        "not_ready", "The model stopped while it worked and is starting again. Try again soon.", retry_after=10
    )
