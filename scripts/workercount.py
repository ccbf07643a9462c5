"""How many workers a model has: changed while it serves, and kept for a TorchServe that is started again."""

from __future__ import annotations

import time
from contextlib import suppress

from management import LOAD_S, Management, NoMemory, Refused, catalogue_of
from objectcut.catalogue import Entry
from objectcut.network.weightfiles import locked
from objectcut.worker.memory import free_bytes
from rundir import RunDir

_POLL_S = 0.3


def kept(run: RunDir) -> int | None:
    """Return how many workers the default model shall have; None where nobody has set that since the server started."""
    with suppress(OSError, ValueError):
        return int(run.workers.read_text())
    return None


def change(run: RunDir, name: str, workers: int) -> None:
    """Have exactly this many workers, and return when they are ready. Waits while a model is being changed.

    Of the default model it is kept. Another one is put to sleep when nobody asks for it, and has one when it wakes.

    Args:
        run: of the server.
        name: of the model; empty for the default.
        workers: 1 or more.

    Raises:
        CutError: there is no such model.
        Refused: there is no memory for so many, or they are not ready in time.
        Unreachable: the server does not run.
    """
    with locked(run.path, "models"):
        management, catalogue = Management(run), catalogue_of(run)
        entry = catalogue.get(name)
        more = workers - management.state(entry.path).wanted
        if room(entry) < more:
            needed, free = more * entry.needs, free_bytes()
            raise NoMemory(f"{more} more need about {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free")
        if entry is catalogue.entries[0]:
            part = run.workers.with_suffix(".part")
            part.write_text(f"{workers}\n")
            part.replace(run.workers)
        management.scale(workers, entry.path)
        deadline = time.monotonic() + LOAD_S
        while [each["status"] for each in management.workers(entry.path)] != ["READY"] * workers:
            if time.monotonic() > deadline:
                raise Refused(f"{workers} workers are not ready after {LOAD_S:.0f} s; see {run.logs}")
            time.sleep(_POLL_S)


def room(entry: Entry) -> int:
    """Return how many more workers of a model the memory that is free has room for."""
    return free_bytes() // entry.needs
