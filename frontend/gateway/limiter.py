"""How much a caller may have cut in a time, in megapixels; what is left is told with each answer.

The counts are kept in memory, or in a Redis that several gateways share. Headers: RateLimit and RateLimit-Policy of the
IETF's draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from gateway.callers import Caller
from objectcut.errors import CutError

logger = logging.getLogger(__name__)
_STORE_S = 0.25  # for a store that several gateways share; without it nobody is refused
_QUIET_S = 60.0  # between two words on a store that does not answer
_MEMORY = "async+memory://"


class Limiter:
    """Counts megapixels by caller.

    Args:
        rate: such as `600/minute`; empty for no limit.
        store: address of a Redis, `redis://...`; empty for this process's memory.
    """

    def __init__(self, rate: str, store: str) -> None:
        self._rate: RateLimitItem | None = parse(rate) if rate else None
        self._connections: Any = None
        if self._rate is not None:
            options: dict[str, Any] = {}
            if store:
                redis = importlib.import_module("redis.asyncio")  # takes a moment, which most need not
                self._connections = redis.ConnectionPool.from_url(store)
                options = {"implementation": "redispy", "connection_pool": self._connections}
            where = f"async+{store}" if store else _MEMORY
            self._limiter = SlidingWindowCounterRateLimiter(storage_from_string(where, **options))
        self._told = float("-inf")

    async def close(self) -> None:
        """Close the connections to the store."""
        if self._connections is not None:
            await self._connections.disconnect()

    async def check(self, caller: Caller) -> None:
        """Look whether anything is left, before a body is read for nothing.

        Raises:
            CutError: `rate_limited`.
        """
        await self._ask(caller, 0)

    async def charge(self, caller: Caller, megapixels: float) -> Mapping[str, str]:
        """Take the megapixels from what the caller has left.

        Returns:
            The headers that tell what is left then; none without a limit.

        Raises:
            CutError: `rate_limited`: that is less.
        """
        return await self._ask(caller, max(math.ceil(megapixels), 1))

    async def _ask(self, caller: Caller, cost: int) -> Mapping[str, str]:
        if self._rate is None:
            return {}
        try:
            return await asyncio.wait_for(self._counted(self._rate, caller, cost), _STORE_S)
        except CutError:
            raise
        except Exception as error:  # whatever the store's client raises: it shall not stop the service
            if time.monotonic() > self._told + _QUIET_S:
                self._told = time.monotonic()
                logger.warning("The store of the limits does not answer, so nobody is limited: %r", error)
            return {}

    async def _counted(self, rate: RateLimitItem, caller: Caller, cost: int) -> Mapping[str, str]:
        if cost:
            fits = await self._limiter.hit(rate, caller.name, cost=cost)
        else:
            fits = await self._limiter.test(rate, caller.name)
        reset, left = await self._limiter.get_window_stats(rate, caller.name)
        seconds = max(math.ceil(reset - time.time()), 1)
        window = rate.get_expiry()
        headers = {
            "RateLimit-Policy": f'"megapixels";q={rate.amount};w={window}',
            "RateLimit": f'"megapixels";r={left};t={seconds}',
        }
        if not fits:
            raise RateLimited(rate, cost, seconds, headers)
        return headers


class RateLimited(CutError):
    """The error for a caller who had enough, with the headers that say so."""

    def __init__(self, rate: RateLimitItem, cost: int, seconds: int, headers: Mapping[str, str]) -> None:
        more = f" This photo counts {cost}." if cost else ""
        super().__init__(
            "rate_limited",
            f"You may send {rate.amount} megapixels in {rate.get_expiry()} s, and 4 more count for each photo.{more} "
            f"Try again in {seconds} s.",
            details={"megapixels": rate.amount, "seconds": rate.get_expiry()},
            retry_after=seconds,
        )
        self._limits = dict(headers)

    @property
    def headers(self) -> dict[str, str]:
        return {**super().headers, **self._limits}
