"""The gateway's side of one model in TorchServe: calls, asked again where they fail, and failures in our words.

A reply that carries the handler's `X-Model` is the handler's own and goes through as it is; anything else is TorchServe
speaking and is translated.

A worker that dies takes its whole batch with it, and one that is replaced or scaled down stops in the middle of one. A
cut changes nothing, so it is asked for again, until it is answered, no worker is to be expected, or its time is over. A
photo that was there at two deaths may be their cause. It is asked for alone then, and refused if that worker crashes or
hangs, or three are killed.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from opentelemetry.trace import SpanKind, Status, StatusCode

from gateway import traces
from gateway.admission import Admission, Room
from gateway.company import Company
from gateway.connection import Connection, Disconnected, Reply, too_late
from gateway.description import Description
from gateway.inflight import InFlight, Ticket
from gateway.refused import Refused, digest_of
from gateway.sleep import Sleep
from gateway.tasks import Once, Tasks
from gateway.translation import translated, worker_died, worker_gone
from gateway.work import Work
from gateway.workers import BATCH, SOON_S, State, Workers
from objectcut.catalogue import Entry
from objectcut.errors import CutError
from objectcut.request import wire
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings
from objectcut.worker.abandoned import Abandoned
from objectcut.worker.crashes import Crashes

logger = logging.getLogger(__name__)
_POLL_S = 0.25
_LOOK_S = 2.0
_SUSPECT = 2  # deaths of workers that had a photo, after which it may be what killed them
_KILLED = 3  # further ones of workers that had nothing else and were killed: one or two may be chance
_SCALINGS = 60  # tries to have as many workers as before
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
        self.description = Description(settings, connection, path, entry, may_sleep)
        self._in_flight = InFlight()
        self._room, self._admission = room, Admission(_AHEAD * BATCH, room)
        self._company, self._refused = Company(), Refused()
        self._abandoned, self._crashes = Abandoned(settings.abandoned), Crashes(settings.crashes)
        self._lost: dict[Ticket, asyncio.Future[_Lost]] = {}
        self._turn, self._tasks = turn, Tasks()
        self.sleep = Sleep(settings, self, self._workers, turn, self._tasks, entry, may_sleep)
        self._watching = Once(self._tasks, self._look)
        self._recovering = Once(self._tasks, self._recover)
        self._replacing = Once(self._tasks, self._replace)
        self._probed = float("-inf")

    async def close(self) -> None:
        """Leave what is in flight."""
        await self._tasks.close()

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
            raise (worker_gone() if self._workers.missing else too_late()) from error

    async def _predict(self, order: _Order) -> Reply:
        await self._check(order)
        await self.sleep.awake()
        if not self._workers.expected():
            await self.state()  # the last look may be long ago
            if not self._workers.expected():
                raise worker_gone()
        self._watching.begin()
        with traces.span("wait") as waited:
            waited.set_attribute("objectcut.megapixels", order.work.megapixels)
            await self._admission.enter(order.work)
        sent = self._tasks.begin(self._answered(order))
        sent.add_done_callback(lambda _: self._left(order.work))
        try:
            return await asyncio.shield(sent)
        except asyncio.CancelledError:
            order.left = True
            if order.name:
                self._abandoned.add(order.name)
            raise

    def _left(self, work: Work) -> None:
        self.sleep.used()
        self._admission.leave(work)

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
                    full = self._room.refusal() if await self.ready() else None
                    raise translated(outcome, self._settings.max_body_bytes, full)
                passed_on = {name: outcome.headers[name] for name in _PASSED_ON if name in outcome.headers}
                return Reply(outcome.status, passed_on, outcome.body)
            request_id = order.headers["X-Request-Id"]
            logger.warning("TorchServe will not answer %s: %s", request_id, outcome.name.lower())
            if outcome is _Lost.HOPELESS:
                raise worker_gone()
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
        return _Lost.DIED if isinstance(outcome, Reply) and worker_died(outcome) else outcome

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

    async def _look(self) -> None:
        """Look after what TorchServe has, as long as it has anything."""
        await asyncio.sleep(_LOOK_S)
        while len(self._admission):
            state = await self.state()
            now = time.monotonic()
            if state is not None:
                self._lose(_Lost.FORGOTTEN, self._in_flight.look(state.ready, now, state.queued))
                if self._hopeless:
                    self._lose(_Lost.HOPELESS, self._lost)
            if self._in_flight.in_doubt(now) and now - self._probed > _PROBE_S:
                self._probed = now
                self._tasks.begin(self._probe())
            if self._hangs:
                self._replacing.begin()
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
            state = await self.state()
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

    async def ready(self) -> bool:
        """Return whether a worker waits for photos, and none hangs."""
        state = await self.state()
        return state is not None and bool(state.ready) and not self._hangs

    async def state(self) -> State | None:
        """Return the state of the workers; None when TorchServe does not answer."""
        state = await self._workers.look()
        if self._workers.missing and len(self._admission):
            self._room.unattended()
        if state is not None:
            self._batch = state.batch
            self.sleep.saw(state)
            self._admission.resize(_AHEAD * state.batch * max(len(state.ready), 1))
        return state

    async def _until_ready(self, deadline: float) -> None:
        """Wait for a worker.

        Raises:
            CutError: `not_ready`: none is to be expected, or none came until the deadline.
        """
        recovering = self._recovering.begin()
        await asyncio.wait({recovering}, timeout=max(deadline - time.monotonic(), 0.0))
        if not recovering.done():
            raise worker_gone()
        recovering.result()

    async def _recover(self) -> None:
        while len(self._admission):
            state = await self.state()
            if state is not None and state.ready:
                return
            if self._hopeless:
                raise worker_gone()
            await asyncio.sleep(_POLL_S)

    @property
    def _hopeless(self) -> bool:
        return self._workers.hopeless() and not self._replacing.running  # which wants none for a moment


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
