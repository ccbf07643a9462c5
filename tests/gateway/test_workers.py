"""Whether a worker is to be expected, by what TorchServe told and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from gateway import workers
from gateway.connection import Connection, Reply, not_ready
from gateway.workers import Workers
from objectcut.settings import Settings

AWAY = None
READY, STARTS, AGAIN, THIRD, FOURTH = [("READY", 1)], [("UNLOADING", 1)], *([("UNLOADING", pid)] for pid in (2, 3, 4))
ASLEEP: list[tuple[str, int]] = []
STORIES = [
    ("a worker is ready", [(0, READY)], True, False),
    ("nobody ever saw one, nor a TorchServe", [(0, AWAY)], False, True),
    ("the first one starts", [(0, STARTS), (50, STARTS)], True, False),
    ("none is wanted", [(0, READY), (1, ASLEEP)], False, True),
    ("it died", [(0, READY), (1, STARTS), (15, AGAIN)], True, False),
    ("it is slow to come back", [(0, READY), (1, STARTS), (50, AGAIN)], True, False),
    ("it died once more while it started", [(0, READY), (1, STARTS), (9, AGAIN), (30, THIRD)], True, False),
    ("it does so each time", [(0, READY), (1, STARTS), (9, AGAIN), (15, THIRD), (30, FOURTH)], False, True),
    ("it never becomes ready", [(0, READY), (1, STARTS), (70, AGAIN)], False, True),
    ("it became ready in between", [(0, READY), (1, STARTS), (70, READY), (80, STARTS)], True, False),
    ("TorchServe is away", [(0, READY), (1, AWAY), (10, AWAY)], True, False),
    ("TorchServe is away for long", [(0, READY), (1, AWAY), (30, AWAY)], False, False),
    ("TorchServe is back after long", [(0, READY), (1, AWAY), (90, STARTS), (100, STARTS)], True, False),
]


@pytest.mark.parametrize(
    ("looks", "expected", "hopeless"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES]
)
def test_what_is_to_be_expected(
    looks: Sequence[tuple[float, list[tuple[str, int]] | None]],
    expected: bool,
    hopeless: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, states = 0.0, AWAY
    monkeypatch.setattr(workers.time, "monotonic", lambda: now)

    async def told(*_: object) -> Reply:
        if states is None:
            raise not_ready()
        listed = [{"status": status, "pid": pid} for status, pid in states]
        queue = {"pendingRequests": 0}
        model = {"workers": listed, "batchSize": 8, "maxWorkers": len(listed), "jobQueueStatus": queue}
        return Reply(200, {}, json.dumps([model]).encode())

    connection = Connection(Settings())
    monkeypatch.setattr(connection, "call", told)
    model = Workers(Settings(), connection, "objectcut")
    for now, states in looks:  # noqa: B007
        asyncio.run(model.look())
    assert (model.expected(), model.hopeless()) == (expected, hopeless)
