"""Names of hosts to addresses, in bounded time.

The system's resolver cannot be interrupted: a name whose servers never answer takes it half a minute. So each look-up
has a thread of its own, which nobody waits for beyond a deadline.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

from objectcut.errors import CutError

_MOST = 64  # look-ups at a time, of which the slow ones are most


class Resolver:
    """Looks names up, many at a time."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_MOST)

    async def addresses(self, host: str, port: int, longest_s: float) -> list[str]:
        """Return the addresses of a host, as strings, each once.

        Raises:
            OSError: there are none, or none came in time.
            UnicodeError: the name cannot be one.
            CutError: `overloaded`: too many look-ups are under way.
        """
        if not self._free.acquire(blocking=False):
            raise CutError("overloaded", "The server is looking up too many addresses. Try again.", retry_after=10)
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()

        def look() -> None:
            try:
                outcome: list[str] | Exception = looked_up(host, port)
            except (OSError, UnicodeError) as error:
                outcome = error
            finally:
                self._free.release()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(tell, outcome)

        def tell(outcome: list[str] | Exception) -> None:
            if found.done():
                return
            if isinstance(outcome, Exception):
                found.set_exception(outcome)
            else:
                found.set_result(outcome)

        threading.Thread(target=look, name="look-up", daemon=True).start()
        try:
            return await asyncio.wait_for(found, longest_s)
        except asyncio.TimeoutError as error:
            raise OSError("no answer in time") from error


def looked_up(host: str, port: int, numeric: bool = False) -> list[str]:
    """Return the addresses of a host by the system's resolver.

    Args:
        host: a name, or an address in any spelling.
        port: of TCP.
        numeric: whether names are not looked up.

    Raises:
        OSError: there are none.
        UnicodeError: the name cannot be one.
    """
    flags = socket.AI_NUMERICHOST if numeric else 0
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
