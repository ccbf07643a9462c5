"""How much work requests are: of one by its pictures' headers, of those that wait by how fast others were answered."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gateway.photosize import upright_size
from objectcut.request.parse import CutRequest

_EACH = 4.0  # megapixels that take as long to decode, draw and pack as the network takes for a photo of any size
_A_BYTE = 3.0  # pixels a byte of such a file, about as in a photo of a phone
_REMEMBERED_S = 30.0  # of work, after which what was measured before counts half or less
_SHORTEST_S, _LONGEST_S = 1, 600


@dataclass(frozen=True)
class Work:
    """What a request takes.

    Attributes:
        bytes: of its pictures.
        megapixels: the photo's own, and as many as its share of the network stands for.
    """

    bytes: int
    megapixels: float

    @classmethod
    def of(cls, request: CutRequest, max_pixels: int) -> Work:
        """Return the work of a request that has its photo. Reads the header alone.

        Args:
            request: the request.
            max_pixels: that a photo may have; a larger one is refused without work.
        """
        return cls(request.nbytes, _EACH + min(_pixels(request.photo or b""), max_pixels) / 1e6)


class Pace:
    """How fast requests are answered while there are any. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._since: float | None = None  # begun to measure
        self._seconds = self._megapixels = 0.0

    def begin(self, now: float) -> None:
        """Note that there is work from now on."""
        self._since = now

    def end(self, work: Work, now: float, more: bool) -> None:
        """Note that a request was answered, and whether there are more."""
        if self._since is not None:
            self._seconds += now - self._since
        self._since = now if more else None
        self._megapixels += work.megapixels
        if self._seconds > 2 * _REMEMBERED_S:
            share = _REMEMBERED_S / self._seconds
            self._seconds, self._megapixels = share * self._seconds, share * self._megapixels

    def skip(self, now: float) -> None:
        """Leave out the time since the last note: there was nobody to do the work."""
        if self._since is not None:
            self._since = now

    def seconds(self, megapixels: float) -> float:
        """Return in how many seconds so much work is usually done; 0 before anything was measured."""
        return megapixels * self._seconds / self._megapixels if self._megapixels else 0.0

    def retry_after(self, megapixels: float) -> int | None:
        """Return in how many seconds so much work will be done, rounded up; None before anything was measured."""
        if not self._megapixels:
            return None
        return min(max(math.ceil(self.seconds(megapixels)), _SHORTEST_S), _LONGEST_S)


def _pixels(photo: bytes) -> float:
    size = upright_size(photo)
    return size[0] * size[1] if size else _A_BYTE * len(photo)
