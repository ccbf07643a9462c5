"""What the protections of the server cost an honest photo: the sandbox, caller keys and limits."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from starlette.requests import Request

from benchmark.figures import Figures
from benchmark.measure import Task, interleaved, tracked
from benchmark.photos import SMALL, another, woman
from launch import Failed, running
from objectcut.keys import NONE, new_key
from rundir import ROOT

PROTECTIONS, ADMITTED = "What protections cost a photo of 640x480", "Keys and limits alone"
SANDBOX, KEYS, PLAIN = "sandbox", "keys and limits", "neither"
_KEYS, _RATE = 100, "100000000/minute"
_OFTEN, _CALLS = 20, 200
_ANSWER_S = 240.0


def requests(figures: Figures, rounds: int) -> None:
    """Measure whole requests to three servers, in turn.

    Raises:
        Failed: one did not start, or did not cut.
    """
    with ExitStack() as stack:
        file, key = stack.enter_context(_keys())
        limited = {"OBJECTCUT_CALLERS": "keys", "OBJECTCUT_KEYS": str(file), "OBJECTCUT_RATE": _RATE}
        settings = {
            PLAIN: {"OBJECTCUT_SANDBOX": "off"},
            SANDBOX: {"OBJECTCUT_SANDBOX": "on"},
            KEYS: {"OBJECTCUT_SANDBOX": "off", **limited},
        }
        tasks: dict[str, Task] = {}
        for name, variables in settings.items():
            server = stack.enter_context(running(variables))
            client = httpx.Client(base_url=server.url, timeout=_ANSWER_S, trust_env=False, headers={"X-Api-Key": key})
            tasks[name] = partial(_cut, stack.enter_context(client), woman(SMALL))
        list(interleaved("first requests", tasks, _OFTEN))
        for name, seconds in interleaved("requests with and without protections", tasks, _OFTEN * rounds):
            figures.add(PROTECTIONS, {"with": name}, {"ms": seconds * 1e3})


def admission(figures: Figures, rounds: int) -> None:
    """Measure the work of the gateway that is due to keys and limits, in this process."""
    sys.path.append(str(ROOT / "frontend"))  # its package is not installed
    from gateway.callers import Callers
    from gateway.keyfile import KeyFile
    from gateway.limiter import Limiter

    with _keys() as (file, key):
        headers = [(b"authorization", f"Bearer {key}".encode())]
        scope = {"type": "http", "client": ("198.51.100.7", 1), "headers": headers}
        callers, limiter = Callers(KeyFile(file), need_keys=True), Limiter(_RATE, "")

        async def admit() -> None:
            caller = callers.check(Request(scope))
            await limiter.check(caller)
            await limiter.charge(caller, 5.0)

        async def measured() -> None:
            await admit()
            for _ in tracked("keys and limits", range(rounds)):
                start = time.perf_counter()
                for _ in range(_CALLS):
                    await admit()
                taken = (time.perf_counter() - start) / _CALLS
                figures.add(ADMITTED, {"keys": str(_KEYS)}, {"ms a request": taken * 1e3})

        asyncio.run(measured())


@contextmanager
def _keys() -> Iterator[tuple[Path, str]]:
    """A file of many caller keys, and one of these."""
    with TemporaryDirectory() as folder:
        keys, key = NONE, ""
        for number in range(_KEYS):
            key = new_key()
            keys = keys.with_key(f"caller-{number}", key, "caller")
        file = Path(folder) / "keys.json"
        keys.write(file)
        yield file, key


def _cut(client: httpx.Client, photo: bytes) -> None:
    files, options = {"image_file": another(photo)}, {"objects": "person"}
    reply = client.post("/cut", files=files, data=options, headers={"Accept": "image/png"})
    if reply.status_code != 200:
        raise Failed(f"{client.base_url} answered {reply.status_code}: {reply.text[:300]}")
