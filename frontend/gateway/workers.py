"""The workers of one model as TorchServe tells of them: which are ready, and whether one is to come."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Set
from dataclasses import dataclass

from gateway.connection import Connection, not_ready
from objectcut.errors import CutError
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
_WORD_S = 2.0  # a TorchServe that takes longer to tell this does not work
_LATEST_S = 60.0  # in which it is back in any case, also when it dies once more while it starts
_STARTS = 3  # processes of which none became ready; the one that died before them is counted as well
SOON_S = 20.0
"""In which a worker that died is back, unless the machine is very busy; 6 s are usual with the bundled model."""
BATCH = 8
"""Requests that a worker takes at once, until TorchServe is asked."""


@dataclass(frozen=True)
class State:
    """What TorchServe tells.

    Attributes:
        ready: the process ids of the workers that are ready.
        others: of those that are not: they start, or died and are to be started again.
        batch: how many requests each takes at once.
        wanted: how many workers there shall be.
        queued: requests that no worker has taken yet.
    """

    ready: Set[str]
    others: Set[str]
    batch: int
    wanted: int
    queued: int


_NONE = State(frozenset(), frozenset(), BATCH, 0, 0)


class Workers:
    """The workers of a model, and what was seen of them.

    Args:
        settings: the management address.
        connection: to TorchServe.
        path: where TorchServe has the model.
    """

    def __init__(self, settings: Settings, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._url = f"{settings.management_url}/models/{path}"
        self._state: State | None = None
        self._seen_ready = False
        self._without_since: float | None = None  # when none was ready any more, or TorchServe back without one
        self._begun: set[str] = set()  # process ids since then

    def note_ready(self) -> None:
        """Note that a worker is ready; also for those who had an answer of one."""
        self._seen_ready, self._without_since = True, None
        self._begun.clear()

    @property
    def missing(self) -> bool:
        """Whether the last look found none that is ready."""
        return self._without_since is not None

    async def look(self) -> State | None:
        """Return what TorchServe tells now; None when it does not answer."""
        before, self._state = self._state, await self._told()
        if self._state is not None and self._state.ready:
            self.note_ready()
        else:
            back = before is None and self._state is not None  # TorchServe, whose workers begin now
            if self._without_since is None or back:
                self._without_since = time.monotonic()
            self._begun |= self._state.others if self._state is not None else set()
        return self._state

    async def _told(self) -> State | None:
        try:
            reply = await self._connection.call("GET", self._url, "management", _WORD_S)
            if reply.status == 404:  # this version was replaced or removed
                return _NONE
            model = json.loads(reply.body)[0]
            ready = frozenset(str(worker["pid"]) for worker in model["workers"] if worker["status"] == "READY")
            others = frozenset(str(worker["pid"]) for worker in model["workers"]) - ready
            queued = int(model["jobQueueStatus"]["pendingRequests"])
            return State(ready, others, int(model["batchSize"]), int(model["maxWorkers"]), queued)
        except (CutError, ValueError, LookupError, TypeError):
            return None

    def expected(self) -> bool:
        """Return whether a worker was ready at the last look, or should be soon: whether a photo may begin to wait."""
        if self._without_since is None:
            return True
        waited = time.monotonic() - self._without_since
        if self._state is None:
            return self._seen_ready and waited < SOON_S
        starting = waited < SOON_S or (waited < _LATEST_S and len(self._begun) <= _STARTS)
        return self._state.wanted > 0 and starting

    def hopeless(self) -> bool:
        """Return whether a photo that waits already should do so no longer.

        A TorchServe that worked and does not answer is being started again. How long that takes, nobody knows.
        """
        return self.missing and (not self._seen_ready if self._state is None else not self.expected())

    async def scale(self, workers: int) -> None:
        """Ask for this many workers. TorchServe ends one that goes at once, with what it has in hand.

        Raises:
            CutError: `not_ready`.
        """
        url = f"{self._url}?min_worker={workers}&max_worker={workers}"
        reply = await self._connection.call("PUT", url, "management", _WORD_S)
        if reply.status < 300:
            return
        logger.error("TorchServe did not scale %s to %d: %s", self._path, workers, " ".join(reply.text.split())[:300])
        raise not_ready()
