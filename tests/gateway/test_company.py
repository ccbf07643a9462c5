"""Who is inside together, and who alone."""

from __future__ import annotations

import asyncio

from gateway.company import Company


class Guests:
    """Requests by name; `inside` are those that TorchServe has."""

    def __init__(self) -> None:
        self.company = Company()
        self.inside: list[str] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def come(self, name: str, alone: bool = False) -> None:
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.ensure_future(self._stay(name, alone))
        await settled()

    async def _stay(self, name: str, alone: bool) -> None:
        async with self.company.joined(alone):
            self.inside.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.inside.remove(name)

    async def leave(self, name: str) -> None:
        self._ends[name].set()
        await settled()

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        await settled()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_one_is_alone_and_others_come_together() -> None:
    async def story() -> None:
        guests = Guests()
        await guests.come("a")
        await guests.come("b")
        await guests.come("first", alone=True)
        await guests.come("second", alone=True)
        await guests.come("c")
        await guests.come("d")
        assert guests.inside == ["a", "b"], "who comes behind one that wants to be alone waits as well"
        await guests.leave("a")
        assert guests.inside == ["b"]
        await guests.leave("b")
        assert guests.inside == ["first"]
        await guests.leave("first")
        assert guests.inside == ["second"]
        await guests.leave("second")
        assert guests.inside == ["c", "d"]

    asyncio.run(story())


def test_who_is_cancelled_holds_nobody_up() -> None:
    async def story() -> None:
        guests = Guests()
        await guests.come("a")
        await guests.come("alone", alone=True)
        await guests.come("b")
        await guests.cancel("alone")
        assert guests.inside == ["a", "b"]
        await guests.come("alone", alone=True)
        await guests.cancel("a")
        await guests.cancel("b")
        assert guests.inside == ["alone"]
        await guests.come("c")
        await guests.cancel("alone")
        assert guests.inside == ["c"]

    asyncio.run(story())
