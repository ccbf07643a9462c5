"""Requests that nobody waits for any more, though TorchServe has them.

TorchServe has no way to cancel a request. So the gateway puts an empty file with its name into a folder that the
workers see as well, and they do not begin it.
"""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{32}")


class Abandoned:
    """The requests whose senders left, for the gateway to note and for the workers to ask.

    Args:
        folder: that both sides see; None: nothing is ever noted. Names are 32 hexadecimal digits.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def add(self, name: str) -> None:
        """Note that the sender left."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).touch()

    def discard(self, name: str) -> None:
        """TorchServe is done with it."""
        if self._folder is not None:
            (self._folder / name).unlink(missing_ok=True)

    def __contains__(self, name: object) -> bool:
        """Return whether the sender left. Names that are none of the gateway's are unknown."""
        return self._folder is not None and bool(_NAME.fullmatch(str(name))) and (self._folder / str(name)).exists()
