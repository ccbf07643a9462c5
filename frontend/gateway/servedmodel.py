"""The gateway's side of one model in TorchServe: calls, asked again where they fail, and failures in our words.

TorchServe says the same few things for very different troubles. A reply that carries the handler's `X-Model` is the
handler's own and goes through as it is; anything else is TorchServe speaking and is translated here.

A worker that dies takes its whole batch with it, and one that is replaced or scaled down stops in the middle of one. A
cut changes nothing, so it is asked for again, until it is answered, no worker is to be expected, or its time is over. A
photo that was there at two deaths may be their cause. It is asked for alone then, and refused if that worker crashes or
hangs, or three are killed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Any, TypeVar

from opentelemetry.trace import SpanKind, Status, StatusCode

from gateway import traces
from gateway.admission import Admission, Room
from gateway.company import Company
from gateway.connection import Connection, Disconnected, Reply, not_ready, too_late
from gateway.inflight import InFlight, Ticket
from gateway.refused import Refused, digest_of
from gateway.work import Work
from gateway.workers import BATCH, SOON_S, State, Workers
from objectcut.catalogue import Entry, description
from objectcut.errors import CutError, internal
from objectcut.request import wire
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings
from objectcut.worker.abandoned import Abandoned
from objectcut.worker.crashes import Crashes
from objectcut.worker.memory import free_bytes

logger = logging.getLogger(__name__)
Made = TypeVar("Made")
_POLL_S = 0.25
_LOOK_S = 2.0
_SUSPECT = 2  # deaths of workers that had a photo, after which it may be what killed them
_KILLED = 3  # further ones of workers that had nothing else and were killed: one or two may be chance
_SCALINGS = 60  # tries to have as many workers as before
_LOAD_S = 60.0  # after which a worker that does not come keeps no other model waiting
_PROBE_S = 4.0  # between two probes: the last one may be lost itself
_AHEAD = 2  # batches a worker is given: the one that it works on, and the next
_PASSED_ON = (
    *("content-type", "x-object-count", "x-object-ids", "x-object-labels", "x-foreground-box", "x-width", "x-height"),
    *("retry-after", "x-model"),
)


class _Lost(Enum):
    """Why TorchServe will not answer a request."""

    AWAY = auto()  # it does not run
    FORGOTTEN = auto()  # it lost the request before a worker had it
    DIED = auto()  # the worker that had it died
    ENDED = auto()  # TorchServe itself ended, or the worker behind the beginning of the answer
    HUNG = auto()  # the worker that had it is replaced, and TorchServe has the request again
    HOPELESS = auto()  # no worker is to be expected


@dataclass(eq=False)
class _Order:
    """A request on its way.

    Attributes:
        request: with its photo.
        work: that it is.
        headers: for the handler.
        deadline: when it must be answered.
        left: whether nobody waits for the answer any more.
        name: by which the workers know it while TorchServe has it; not the request's id, which its sender may choose.
    """

    request: CutRequest
    work: Work
    headers: Mapping[str, str]
    deadline: float
    left: bool = False
    name: str = ""


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
        self._workers, self._batch = Workers(settings, connection, path), BATCH
        self._may_sleep = may_sleep
        self._described = (0, 0)  # by which start of TorchServe
        self._description: dict[str, Any] | None = None
        self._in_flight = InFlight()
        self._room, self._admission = room, Admission(_AHEAD * BATCH, room)
        self._company, self._refused = Company(), Refused()
        self._abandoned, self._crashes = Abandoned(settings.abandoned), Crashes(settings.crashes)
        self._lost: dict[Ticket, asyncio.Future[_Lost]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._recovering: asyncio.Task[None] | None = None
        self._replacing: asyncio.Task[None] | None = None
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

    async def predict(self, request: CutRequest, work: Work, accept: str, request_id: str) -> Reply:
        """Send a request that has its photo to the handler, when its turn comes.

        Whoever is cancelled before has never been there. After that TorchServe cannot be stopped any more: its workers
        are told not to begin it, and the place stays taken until it has gone through.

        Raises:
            CutError: TorchServe could not bring it to the handler, or not back in time.
        """
        deadline = time.monotonic() + self._settings.answer_s
        order = _Order(request, work, {"Accept": accept, "X-Request-Id": request_id}, deadline)
        try:
            return await asyncio.wait_for(self._predict(order), self._settings.answer_s)
        except asyncio.TimeoutError as error:
            raise (_worker_gone() if self._workers.missing else too_late()) from error

    async def _predict(self, order: _Order) -> Reply:
        await self._check(order)
        self._used = time.monotonic()
        if self._asleep or self._may_sleep():  # the default may have been put to sleep before it was the default
            await self._wake()
            self._used = time.monotonic()
        if not self._workers.expected():
            await self._state()  # the last look may be long ago
            if not self._workers.expected():
                raise _worker_gone()
        self._watch()
        with traces.span("wait") as waited:
            waited.set_attribute("objectcut.megapixels", order.work.megapixels)
            await self._admission.enter(order.work)
        sent = self._begin(self._answered(order))
        sent.add_done_callback(lambda _: self._left(order.work))
        try:
            return await asyncio.shield(sent)
        except asyncio.CancelledError:
            order.left = True
            if order.name:
                self._abandoned.add(order.name)
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

    async def _answered(self, order: _Order) -> Reply:
        """Ask as often as it takes.

        Raises:
            CutError: as `predict`.
        """
        deaths, while_alone, taken = Counter[_Lost](), 0, False
        while True:
            # Each kind by itself: who is unlucky meets a worker's death and TorchServe's end one after the other.
            alone = any(number >= _SUSPECT for number in deaths.values())
            async with self._company.joined(alone):
                await self._check(order)
                begun = time.time()
                outcome = _Lost.HOPELESS if self._hopeless else await self._traced(order)
            if isinstance(outcome, Reply):
                if "x-model" not in outcome.headers:
                    logger.warning("TorchServe itself answered %d: %s", outcome.status, _line(outcome.text))
                    raise await self._translated(outcome)
                passed_on = {name: outcome.headers[name] for name in _PASSED_ON if name in outcome.headers}
                return Reply(outcome.status, passed_on, outcome.body)
            request_id = order.headers["X-Request-Id"]
            logger.warning("TorchServe will not answer %s: %s", request_id, outcome.name.lower())
            if outcome is _Lost.HOPELESS:
                raise _worker_gone()
            taken = taken or outcome is not _Lost.AWAY
            if outcome in {_Lost.DIED, _Lost.HUNG, _Lost.ENDED}:
                deaths[_Lost.DIED if outcome is _Lost.HUNG else outcome] += 1
                while_alone += alone
                to_blame = alone and (outcome is _Lost.HUNG or await asyncio.to_thread(self._crashes.any_since, begun))
                if to_blame or while_alone >= _KILLED:
                    times = deaths.total()
                    logger.error("The photo of %s stopped the model %d times and is refused", request_id, times)
                    raise self._refused.add(await asyncio.to_thread(digest_of, order.request), to_blame)
            # What TorchServe had is worth a longer wait than what can as well be sent later.
            await self._until_ready(order.deadline if taken else min(order.deadline, time.monotonic() + SOON_S))

    async def _check(self, order: _Order) -> None:
        """Ask for nothing that nobody waits for, nor for a photo that is refused.

        Raises:
            CutError: it is either.
        """
        if self._refused:
            self._refused.check(await asyncio.to_thread(digest_of, order.request))
        if order.left:
            raise too_late()

    async def _traced(self, order: _Order) -> Reply | _Lost:
        with traces.span("torchserve", SpanKind.CLIENT) as asked:
            outcome = await self._ask(order)
            if isinstance(outcome, Reply):
                traces.worker_did(outcome.headers)
            else:
                asked.set_attribute("error.type", outcome.name.lower())
                asked.set_status(Status(StatusCode.ERROR))
        return outcome

    async def _ask(self, order: _Order) -> Reply | _Lost:
        """Ask once.

        Raises:
            CutError: the time is over, or TorchServe's keys do not fit.
        """
        request = order.request
        assert request.photo is not None
        order.name = uuid.uuid4().hex
        headers = {**order.headers, **traces.header(), "X-Ticket": order.name}
        body = wire.pack(request.form(), request.photo, request.backdrop)
        now = time.monotonic()
        ticket = self._in_flight.send(now, request.nbytes, order.work.megapixels)
        lost = self._lost[ticket] = asyncio.get_running_loop().create_future()
        call = asyncio.ensure_future(self._infer(request.task, headers, body, ticket, max(order.deadline - now, 0.0)))
        outcome: Reply | _Lost | None = None
        try:
            await asyncio.wait({call, lost}, return_when=asyncio.FIRST_COMPLETED)
            outcome = call.result() if call.done() else lost.result()
        except Disconnected as error:
            outcome = _Lost.ENDED if error.begun else _Lost.AWAY
        finally:
            call.cancel()
            del self._lost[ticket]
            self._in_flight.close(ticket)
            self._let_go(order, outcome in {None, _Lost.HUNG, _Lost.HOPELESS})
        return _Lost.DIED if isinstance(outcome, Reply) and _worker_died(outcome) else outcome

    def _let_go(self, order: _Order, left_behind: bool) -> None:
        """Take back what the workers were told of a request; later, if TorchServe may have it still."""
        name, order.name = order.name, ""
        if left_behind:
            self._abandoned.add(name)
            asyncio.get_running_loop().call_later(self._settings.answer_s, self._abandoned.discard, name)
        else:
            self._abandoned.discard(name)

    async def _infer(
        self, task: str, headers: Mapping[str, str], body: bytes, ticket: Ticket, longest_s: float
    ) -> Reply:
        url = f"{self._settings.inference_url}/predictions/{self._path}/{task}"
        headers = {**headers, "Content-Type": wire.MEDIA_TYPE}
        reply = await self._connection.call("POST", url, "inference", longest_s, headers, body, ticket)
        if "x-worker" in reply.headers:
            self._workers.note_ready()
            self._in_flight.answered(reply.headers["x-worker"], ticket.sent, time.monotonic())
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
            if state is not None:
                self._lose(_Lost.FORGOTTEN, self._in_flight.look(state.ready, now, state.queued))
                if self._hopeless:
                    self._lose(_Lost.HOPELESS, self._lost)
            if self._in_flight.in_doubt(now) and now - self._probed > _PROBE_S:
                self._probed = now
                self._begin(self._probe())
            if self._hangs and (self._replacing is None or self._replacing.done()):
                self._replacing = self._begin(self._replace())
            await asyncio.sleep(_LOOK_S)

    def _lose(self, how: _Lost, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            if not self._lost[ticket].done():
                self._lost[ticket].set_result(how)

    @property
    def _hangs(self) -> bool:
        """Whether a worker takes much longer for a batch than usual."""
        longest_s = self._room.longest_s(self._in_flight.heaviest(self._batch))
        return self._in_flight.overdue(time.monotonic(), longest_s)

    async def _replace(self) -> None:
        """Have other workers, as one of these hangs: TorchServe itself would wait `responseTimeout` for it.

        TorchServe ends at once those that it is to have no more, and puts what they had in hand back to its queue.
        """
        async with self._turn:
            state = await self._state()
            if state is None or not state.wanted or not self._hangs:
                return
            logger.error("A worker of %s hangs; it is replaced", self._path)
            with suppress(CutError):
                await self._workers.scale(0)
            self._lose(_Lost.HUNG, self._lost)
            for _ in range(_SCALINGS):
                with suppress(CutError):
                    await self._workers.scale(state.wanted)
                    break
                await asyncio.sleep(_POLL_S)

    async def _probe(self) -> None:
        """Ask for nothing: the refusal tells which worker has come this far in the queue."""
        ticket = Ticket(time.monotonic())
        with suppress(CutError):
            headers = {"X-Request-Id": "probe"}
            await self._infer("cut", headers, wire.pack({}, b""), ticket, self._settings.answer_s)

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
        """Return whether a worker waits for photos, and none hangs."""
        state = await self._state()
        return state is not None and bool(state.ready) and not self._hangs

    async def _state(self) -> State | None:
        """Return the state of the workers; None when TorchServe does not answer."""
        state = await self._workers.look()
        if self._workers.missing and len(self._admission):
            self._room.unattended()
        if state is not None:
            self._batch = state.batch
            self._loaded = self._loaded and state.wanted > 0  # a TorchServe that was started anew has no worker of it
            self._admission.resize(_AHEAD * state.batch * max(len(state.ready), 1))
        return state

    async def _until_ready(self, deadline: float) -> None:
        """Wait for a worker.

        Raises:
            CutError: `not_ready`: none is to be expected, or none came until the deadline.
        """
        if self._recovering is None or self._recovering.done():
            self._recovering = self._begin(self._recover())  # once for all who wait
        recovering = self._recovering
        await asyncio.wait({recovering}, timeout=max(deadline - time.monotonic(), 0.0))
        if not recovering.done():
            raise _worker_gone()
        recovering.result()

    async def _recover(self) -> None:
        while len(self._admission):
            state = await self._state()
            if state is not None and state.ready:
                return
            if self._hopeless:
                raise _worker_gone()
            await asyncio.sleep(_POLL_S)

    @property
    def _hopeless(self) -> bool:
        replaced = self._replacing is not None and not self._replacing.done()  # none is wanted for a moment
        return self._workers.hopeless() and not replaced

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
                await self._workers.scale(1)
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
                await self._workers.scale(0)
        if self._asleep and not self._may_sleep():
            await self._wake()

    @property
    def _idle(self) -> bool:
        loading = self._loading is not None and not self._loading.done()
        unused_s = time.monotonic() - self._used
        return unused_s > self._settings.idle_s and not loading and not len(self._admission)

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
    return CutError("not_ready", "The model stopped, or is still starting. Try again soon.", retry_after=10)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
