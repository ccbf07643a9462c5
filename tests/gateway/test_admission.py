"""Who goes on, in which order, and who does not."""

from __future__ import annotations

import asyncio

import pytest

from gateway import admission
from gateway.admission import Admission, Room
from gateway.work import Work
from objectcut.errors import CutError


class Crowd:
    """Requests by name; `inside` are those that were let in and have not left, in their order."""

    def __init__(
        self, places: int = 1, max_bytes: int = 100, max_waiting: int = 10, max_megapixels: float = 1e6
    ) -> None:
        self.waits: list[float] = []
        self.admission = Admission(places, Room(max_bytes, max_waiting, max_megapixels, self.waits.append))
        self.inside: list[str] = []
        self._work: dict[str, Work] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, size: int = 1, megapixels: float = 1.0) -> None:
        self._work[name] = Work(size, megapixels)
        self._tasks[name] = asyncio.ensure_future(self._enter(name))
        await settled()

    async def _enter(self, name: str) -> None:
        await self.admission.enter(self._work[name])
        self.inside.append(name)

    def leave(self, name: str) -> None:
        self.inside.remove(name)
        self.admission.leave(self._work[name])

    def cancel(self, name: str) -> None:
        self._tasks[name].cancel()

    def error(self, name: str) -> BaseException | None:
        return self._tasks[name].exception()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_first_come_first_served() -> None:
    async def story() -> None:
        crowd = Crowd(places=2)
        for name in "abcde":
            await crowd.come(name)
        assert crowd.inside == ["a", "b"]
        assert (len(crowd.admission), len(crowd.admission.waiting)) == (5, 3)
        crowd.leave("b")
        await settled()
        assert crowd.inside == ["a", "c"]
        crowd.leave("c")
        crowd.leave("a")
        await settled()
        assert crowd.inside == ["d", "e"]
        crowd.leave("d")
        crowd.leave("e")
        assert len(crowd.admission) == 0

    asyncio.run(story())


def test_bytes_count_as_well_and_nobody_overtakes() -> None:
    async def story() -> None:
        crowd = Crowd(places=9, max_bytes=100)
        await crowd.come("a", 60)
        await crowd.come("b", 40)
        await crowd.come("c", 30)
        await crowd.come("d", 1)
        assert crowd.inside == ["a", "b"]
        crowd.leave("b")
        await settled()
        assert crowd.inside == ["a", "c", "d"]

    asyncio.run(story())


def test_one_that_is_larger_than_all_bytes_goes_alone() -> None:
    async def story() -> None:
        crowd = Crowd(places=9, max_bytes=100)
        await crowd.come("small", 1)
        await crowd.come("large", 500)
        await crowd.come("next", 1)
        assert crowd.inside == ["small"]
        crowd.leave("small")
        await settled()
        assert crowd.inside == ["large"]
        crowd.leave("large")
        await settled()
        assert crowd.inside == ["next"]

    asyncio.run(story())


def test_who_leaves_the_queue_lets_the_next_move_up() -> None:
    async def story() -> None:
        crowd = Crowd()
        for name in "abc":
            await crowd.come(name)
        crowd.cancel("b")
        await settled()
        assert (len(crowd.admission), len(crowd.admission.waiting)) == (2, 1)
        crowd.leave("a")
        await settled()
        assert crowd.inside == ["c"]

    asyncio.run(story())


def test_one_that_was_too_large_and_leaves_holds_nobody_up() -> None:
    async def story() -> None:
        crowd = Crowd(places=9, max_bytes=100)
        await crowd.come("a", 60)
        await crowd.come("large", 60)
        await crowd.come("small", 10)
        crowd.cancel("large")
        await settled()
        assert crowd.inside == ["a", "small"]

    asyncio.run(story())


def test_waits_are_told_of_all_but_those_who_were_refused() -> None:
    async def story() -> None:
        crowd = Crowd(max_waiting=2)
        for name in "abcd":
            await crowd.come(name)
        assert isinstance(crowd.error("d"), CutError)
        crowd.cancel("b")
        crowd.leave("a")
        await settled()
        assert crowd.inside == ["c"]
        assert len(crowd.waits) == 3, "a, which had its turn at once, b until it left, and c"
        assert min(crowd.waits) >= 0

    asyncio.run(story())


@pytest.mark.parametrize("cancelled_first", [True, False])
def test_who_leaves_in_the_moment_of_its_turn_keeps_no_place(cancelled_first: bool) -> None:
    async def story() -> None:
        crowd = Crowd()
        for name in "abc":
            await crowd.come(name)
        acts = [lambda: crowd.cancel("b"), lambda: crowd.leave("a")]
        for act in acts if cancelled_first else reversed(acts):
            act()
        await settled()
        assert crowd.inside == ["c"]
        crowd.leave("c")
        await crowd.come("d")
        assert crowd.inside == ["d"]
        assert len(crowd.admission) == 1

    asyncio.run(story())


def test_who_all_leave_in_one_moment_keep_no_place() -> None:
    async def story() -> None:
        crowd = Crowd(places=2)
        for name in "abcdef":
            await crowd.come(name)
        for name in "cde":
            crowd.cancel(name)
        crowd.leave("a")
        crowd.leave("b")
        await settled()
        assert crowd.inside == ["f"]
        assert len(crowd.admission) == 1

    asyncio.run(story())


def test_too_many_are_told_to_come_back() -> None:
    async def story() -> None:
        crowd = Crowd(max_waiting=2)
        for name in "abcd":
            await crowd.come(name)
        error = crowd.error("d")
        assert isinstance(error, CutError)
        assert (error.code, error.status) == ("overloaded", 503)
        assert int(error.headers["Retry-After"]) > 0
        assert (len(crowd.admission), len(crowd.admission.waiting)) == (3, 2)
        crowd.leave("a")
        await settled()
        await crowd.come("e")
        assert crowd.inside == ["b"], "c and e wait"
        assert len(crowd.admission.waiting) == 2

    asyncio.run(story())


def test_large_photos_count_by_their_work_and_one_may_always_wait() -> None:
    async def story() -> None:
        crowd = Crowd(max_megapixels=10)
        await crowd.come("inside", megapixels=25)
        await crowd.come("large", megapixels=25)
        assert crowd.admission.waiting
        crowd.cancel("large")
        for name, megapixels in (("a", 5), ("b", 5), ("c", 1)):
            await crowd.come(name, megapixels=megapixels)
        assert len(crowd.admission.waiting) == 2
        error = crowd.error("c")
        assert isinstance(error, CutError)
        assert error.code == "overloaded"
        crowd.leave("inside")
        await settled()
        assert crowd.inside == ["a"]

    asyncio.run(story())


def test_the_time_to_come_back_in_is_what_the_work_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(admission.time, "monotonic", lambda: now)

    async def story() -> None:
        nonlocal now
        crowd = Crowd(max_megapixels=70)
        await crowd.come("first", megapixels=10)
        now += 2.0
        crowd.leave("first")
        now += 500.0  # nothing to do
        for name in "abcd":
            await crowd.come(name, megapixels=30)
        error = crowd.error("d")
        assert isinstance(error, CutError)
        assert error.headers["Retry-After"] == "18", "90 megapixels are there, and 5 were done in a second"

    asyncio.run(story())


def test_the_time_without_a_worker_is_not_what_the_work_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(admission.time, "monotonic", lambda: now)

    async def story() -> None:
        nonlocal now
        room = Room(100, 10, 1e6, lambda _: None)
        queue = Admission(1, room)
        for _ in range(3):
            await queue.enter(Work(1, 10.0))
            now += 500.0
            room.unattended()
            now += 20.0
            queue.leave(Work(1, 10.0))
        assert room.longest_s(50.0) == 10 * 100, "ten times as long as usual"
        assert room.longest_s(0.1) == 20, "but never less than this"

    asyncio.run(story())


def test_a_batch_may_take_a_while_before_anything_was_measured() -> None:
    assert Room(100, 10, 1e6, lambda _: None).longest_s(60.0) == 60


def test_more_places_let_more_in_and_fewer_send_nobody_away() -> None:
    async def story() -> None:
        crowd = Crowd(places=1)
        for name in "abcd":
            await crowd.come(name)
        crowd.admission.resize(3)
        await settled()
        assert crowd.inside == ["a", "b", "c"]
        crowd.admission.resize(1)
        crowd.leave("a")
        crowd.leave("b")
        await settled()
        assert crowd.inside == ["c"]
        crowd.leave("c")
        await settled()
        assert crowd.inside == ["d"]

    asyncio.run(story())
