"""Changes of the models while the server runs: scripts/models.py makes them, in a process of its own.

The gateway itself reads no model file, and what a damaged one does to its reader happens elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from objectcut.errors import CutError, internal

logger = logging.getLogger(__name__)
_PROGRAM = Path(__file__).resolve().parents[2] / "scripts" / "models.py"
_LONGEST_S = 900.0
_CHECKED_S = 120.0  # that the checks of a file may take, until memory for it is looked for
_LINE = 1 << 24  # bytes that the program may tell at once
_STOPPED_S = 10.0  # to take back what was begun
_CODES = {"request": "invalid_request", "memory": "overloaded", "server": "not_ready"}
Tell = Callable[[Mapping[str, str]], None]


class Changes:
    """One change after the other.

    Args:
        run: the run folder of the server.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._busy = False

    async def make(self, words: Sequence[str], tell: Tell) -> Mapping[str, str]:
        """Make a change, and return what was `done`, in words, and to which `model`. Cancelled, it is taken back.

        Args:
            words: for scripts/models.py.
            tell: is given each check that was passed: `check` and what was `found`.

        Raises:
            CutError: `invalid_request` with the reason of a refusal; `overloaded`: another change is being made, or
                there is no memory; `not_ready`: TorchServe does not answer.
        """
        self.check_free()
        self._busy = True
        try:
            return await self._made(words, tell)
        finally:
            self._busy = False

    def check_free(self) -> None:
        """Refuse to begin while another change is being made.

        Raises:
            CutError: `overloaded`.
        """
        if self._busy:
            raise CutError("overloaded", "Another model is being added or removed. Try again soon.", retry_after=10)

    async def _made(self, words: Sequence[str], tell: Tell) -> Mapping[str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(_PROGRAM), "--json", *words),
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            env={**os.environ, "OBJECTCUT_RUN_DIR": str(self._run)},
        )
        try:
            last = await asyncio.wait_for(_listen(process, tell, words[0] == "add"), _LONGEST_S)
        except asyncio.TimeoutError:
            logger.warning("scripts/models.py %s took too long", words[0])
            raise CutError("invalid_request", "The file takes too long to be checked or loaded.") from None
        finally:
            await _ended(process)
        if "done" in last:
            return last
        logger.warning("scripts/models.py %s ended with status %s: %s", words[0], process.returncode, dict(last))
        if "refused" not in last:
            raise internal()
        code = _CODES[last["because"]]
        if code == "not_ready":
            raise CutError(code, "The model server does not answer. Try again soon.", retry_after=10)
        raise CutError(code, _sentence(last["refused"]), retry_after=60 if code == "overloaded" else None)


def _sentence(words: str) -> str:
    """Return the words as a sentence; a file's name at its beginning stays as it is."""
    first = words.split(" ", 1)[0]
    return f"{words[:1].upper() if first.isalpha() else words[:1]}{words[1:].rstrip('.')}."


async def _listen(process: asyncio.subprocess.Process, tell: Tell, checks: bool) -> Mapping[str, str]:
    """Pass on what the program tells, and return the last of it.

    Args:
        process: the program.
        tell: is given each check.
        checks: whether it begins with those of a file.

    Raises:
        asyncio.TimeoutError: they take too long.
    """
    assert process.stdout is not None
    last: Mapping[str, str] = {}
    deadline = time.monotonic() + _CHECKED_S if checks else None
    while line := await asyncio.wait_for(
        process.stdout.readline(), None if deadline is None else max(deadline - time.monotonic(), 0)
    ):
        last = json.loads(line)
        if "passed" in last:
            deadline = None if last["passed"] == "memory" else deadline
            tell({"check": last["passed"], "found": last["found"]})
    await process.wait()
    return last


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Let the program take back what it began, and end it."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        process.send_signal(word)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), _STOPPED_S)
