"""Requests that end before their answer: the sender left, or the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.lifetime import Lifetime, while_connected
from objectcut.errors import CutError


class Sender:
    """The connection of a sender whose body was read."""

    def __init__(self) -> None:
        self._left = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}


class Work:
    """Work that lasts until it is told to end."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.cancelled = False

    async def do(self) -> str:
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "done"


async def fails() -> str:
    raise CutError("object_not_found", "Nothing was found.")


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_work_ends_when_its_sender_leaves() -> None:
    async def story() -> None:
        sender, work = Sender(), Work()
        answer = asyncio.ensure_future(while_connected(sender.receive, work.do()))
        await settled()
        assert not answer.done()
        sender.leave()
        with pytest.raises(ClientDisconnect):
            await answer
        await settled()
        assert work.cancelled

    asyncio.run(story())


def test_a_sender_who_stays_gets_the_answer_or_the_error() -> None:
    async def story() -> None:
        work = Work()
        answer = asyncio.ensure_future(while_connected(Sender().receive, work.do()))
        await settled()
        work.may_end.set()
        assert await answer == "done"
        with pytest.raises(CutError, match="Nothing was found"):
            await while_connected(Sender().receive, fails())
        assert len(asyncio.all_tasks()) == 1 or await nothing_left()

    asyncio.run(story())


async def nothing_left() -> bool:
    await settled()
    return len(asyncio.all_tasks()) == 1


def test_who_stops_the_wait_stops_the_work() -> None:
    async def story() -> None:
        work = Work()
        answer = asyncio.ensure_future(while_connected(Sender().receive, work.do()))
        await settled()
        answer.cancel()
        await settled()
        assert answer.cancelled()
        assert work.cancelled
        assert await nothing_left()

    asyncio.run(story())


def assert_told_to_come_back(error: CutError) -> None:
    assert (error.code, error.status) == ("not_ready", 503)
    assert int(error.headers["Retry-After"]) > 0


def test_new_work_is_refused_and_what_runs_is_finished() -> None:
    async def story() -> None:
        lifetime, work = Lifetime(60), Work()
        running = asyncio.ensure_future(lifetime.finish(work.do()))
        await settled()
        assert not lifetime.over()
        lifetime.stop()
        assert lifetime.stopping
        with pytest.raises(CutError) as refused:
            await lifetime.finish(Work().do())
        assert_told_to_come_back(refused.value)
        assert not lifetime.over()
        work.may_end.set()
        assert await running == "done"
        assert lifetime.over()

    asyncio.run(story())


def test_what_still_runs_at_the_deadline_is_told_to_come_back() -> None:
    async def story() -> None:
        lifetime, work = Lifetime(0.03), Work()
        running = asyncio.ensure_future(lifetime.finish(work.do()))
        await settled()
        lifetime.stop()
        assert not lifetime.over()
        await until(lifetime.over)
        with pytest.raises(CutError) as told:
            await running
        assert_told_to_come_back(told.value)
        assert work.cancelled

    asyncio.run(story())


def test_a_server_without_work_is_over_at_once() -> None:
    lifetime = Lifetime(60)
    assert not lifetime.over()
    lifetime.stop()
    assert lifetime.over()


def test_work_that_ends_by_itself_leaves_nothing_to_wait_for() -> None:
    async def story() -> None:
        lifetime, work = Lifetime(60), Work()
        with pytest.raises(CutError, match="Nothing was found"):
            await lifetime.finish(fails())
        cancelled = asyncio.ensure_future(lifetime.finish(work.do()))
        await settled()
        cancelled.cancel()
        await settled()
        assert cancelled.cancelled()
        assert work.cancelled
        lifetime.stop()
        assert lifetime.over()

    asyncio.run(story())
