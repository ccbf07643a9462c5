"""The sleep of a model that nobody asks for: it gives up its worker, and gets it back for the next photo."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from gateway.connection import not_ready
from gateway.tasks import Once, Tasks
from gateway.workers import State, Workers
from objectcut.catalogue import Entry
from objectcut.errors import CutError
from objectcut.settings import Settings
from objectcut.worker.memory import free_bytes

_POLL_S = 0.25
_LOAD_S = 60.0  # after which a worker that does not come keeps no other model waiting


class Sleeper(Protocol):
    """The model."""

    async def state(self) -> State | None:
        """Return the state of its workers; None when TorchServe does not answer."""

    async def ready(self) -> bool:
        """Return whether a worker waits for photos."""

    @property
    def in_flight(self) -> int:
        """Photos that it has."""


class Sleep:
    """Whether a model sleeps.

    Args:
        settings: after how many seconds it may, and how long a photo waits until it is awake.
        model: the model.
        workers: of it.
        turn: who has it may change how many workers a model has, whichever model it is.
        tasks: what goes on without those who wait.
        entry: what is known of the model; None where it never sleeps.
        may_sleep: tells whether it gives up its worker when nobody asks for it, as all but the default model do.
    """

    def __init__(
        self,
        settings: Settings,
        model: Sleeper,
        workers: Workers,
        turn: asyncio.Lock,
        tasks: Tasks,
        entry: Entry | None,
        may_sleep: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._model, self._workers = model, workers
        self._turn = turn
        self._entry, self._may_sleep = entry, may_sleep
        self._used = time.monotonic()
        self._asleep = False  # whether its worker was taken since it woke
        self._loaded = False  # whether a worker of a model that may sleep has been ready since it woke
        self._loading = Once(tasks, self._load)

    def used(self) -> None:
        """Note that somebody asks for the model, or did until now."""
        self._used = time.monotonic()

    def saw(self, state: State) -> None:
        """Note what TorchServe tells of the workers: one that was started anew has none of a model that was awake."""
        self._loaded = self._loaded and state.wanted > 0

    async def awake(self) -> None:
        """Be awake, with a worker, for somebody who asks.

        Raises:
            CutError: `not_ready`: it takes longer, or `overloaded`: there is no memory for it now.
        """
        self.used()
        if self._asleep or self._may_sleep():  # the default may have been put to sleep before it was the default
            await self._wake()
            self.used()

    async def if_idle(self) -> None:
        """Take the worker from a model that nobody has asked for `idle_s` seconds.

        Raises:
            CutError: as `awake`: it became the default in the moment when its worker was taken.
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
        unused_s = time.monotonic() - self._used
        return unused_s > self._settings.idle_s and not self._loading.running and not self._model.in_flight

    async def _wake(self) -> None:
        if self._loaded:
            return
        loading = self._loading.begin()
        await asyncio.wait({loading}, timeout=self._settings.wake_s)
        if not loading.done():
            raise self._being_loaded()
        loading.result()

    async def _load(self) -> None:
        """Have a worker. Goes on when nobody waits for it any more: only then it is known what memory is left."""
        assert self._entry is not None
        async with self._turn:  # the next model looks for memory when this one has taken its own
            start = time.monotonic()
            while (state := await self._model.state()) is None:  # TorchServe is slow to answer while it starts workers
                if time.monotonic() >= start + _LOAD_S:
                    raise not_ready()
                await asyncio.sleep(_POLL_S)
            free = free_bytes()
            if not state.wanted and free < self._entry.needs:
                raise CutError(
                    "overloaded",
                    f"The model '{self._entry.card.name}' needs about {self._entry.needs / 1e6:.0f} MB of memory, "
                    f"and {free / 1e6:.0f} MB are free. Use another model, or try again later.",
                    retry_after=60,
                )
            if not state.wanted:
                await self._workers.scale(1)
            self._asleep = False
            loaded = await self._ready_until(start + _LOAD_S)
        if not loaded and not await self._ready_until(start + self._settings.wake_s):
            raise self._being_loaded()
        self._loaded = True
        self.used()

    async def _ready_until(self, deadline: float) -> bool:
        """Return whether a worker is ready, as soon as one is, or at the deadline at the latest."""
        while not await self._model.ready():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def _being_loaded(self) -> CutError:
        assert self._entry is not None
        return CutError(
            "not_ready", f"The model '{self._entry.card.name}' is being loaded. Try again soon.", retry_after=5
        )
