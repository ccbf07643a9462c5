"""Which requests TorchServe may have at the same time: any, or one that must be alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Company:
    """A lock that many hold together, or one alone. While one waits to be alone, nobody else comes in."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._inside = 0
        self._wait_alone = 0
        self._alone = False

    @asynccontextmanager
    async def joined(self, alone: bool) -> AsyncIterator[None]:
        """Hold it, together with others or alone."""
        async with self._changed:
            if alone:
                self._wait_alone += 1
                try:
                    await self._changed.wait_for(lambda: not self._inside)
                finally:
                    self._wait_alone -= 1
                    self._changed.notify_all()
            else:
                await self._changed.wait_for(lambda: not self._alone and not self._wait_alone)
            self._inside += 1
            self._alone = alone
        try:
            yield
        finally:
            self._inside -= 1
            self._alone = False
            async with self._changed:
                self._changed.notify_all()
