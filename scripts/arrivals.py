"""Which files of a watched folder are whole and new."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_Stamp = tuple[int, int]
"""Time of the last change, ns, and bytes."""


class Arrivals:
    """Looks at a folder again and again. A file counts once it stayed as it is from one look to the next."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Stamp] = {}
        self._done: dict[Path, _Stamp] = {}

    def look(self, files: Iterable[Path]) -> list[Path]:
        """Return those that are whole and, as they are now, not done."""
        stamps = {file: stamp for file in files if (stamp := _stamp(file))}
        whole = [file for file, stamp in stamps.items() if self._seen.get(file) == stamp != self._done.get(file)]
        self._seen = stamps
        return whole

    def done(self, file: Path) -> None:
        """Leave a file out until it changes."""
        self._done[file] = self._seen[file]


def is_newer(file: Path, than: Iterable[Path]) -> bool:
    """Return whether a file was changed after all of these, or there are none."""
    made = [stamp for other in than if (stamp := _stamp(other))]
    stamp = _stamp(file)
    return stamp is not None and all(stamp[0] > each[0] for each in made)


def _stamp(file: Path) -> _Stamp | None:
    try:
        status = file.stat()
    except OSError:  # it is gone again
        return None
    return status.st_mtime_ns, status.st_size
