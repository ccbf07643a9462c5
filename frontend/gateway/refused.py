"""Photos that no worker is given for a while: those that had one of them and nothing else died.

They are known again by their SHA-256, so that sending one again stops no worker. Where a worker crashed or hung, the
photo is to blame, and refused for minutes. Where workers were killed from outside, it may be that it took too much of
the system's memory, or that something else kills workers; it can be sent again after a minute.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict

from objectcut.errors import CutError
from objectcut.request.parse import CutRequest

_TO_BLAME_S, _SUSPECT_S = 600.0, 60.0
_MOST = 1000


class Refused:
    """The photos of the last minutes, at most a thousand."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()  # until when, and whether to blame

    def __bool__(self) -> bool:
        """Return whether there are any."""
        now = time.monotonic()
        for digest in [digest for digest, (until, _) in self._known.items() if until < now]:
            del self._known[digest]
        return bool(self._known)

    def check(self, digest: bytes) -> None:
        """Return when the pictures of this digest are not refused.

        Raises:
            CutError: they are.
        """
        if self and digest in self._known:
            raise _refusal(self._known[digest][1])

    def add(self, digest: bytes, to_blame: bool) -> CutError:
        """Refuse these pictures from now on, and return the error to do it with.

        Args:
            digest: of the pictures.
            to_blame: whether it is known that they stop workers.
        """
        self._known[digest] = time.monotonic() + (_TO_BLAME_S if to_blame else _SUSPECT_S), to_blame
        self._known.move_to_end(digest)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return _refusal(to_blame)


def digest_of(request: CutRequest) -> bytes:
    """Return what the pictures of a request are known by. Takes a moment for large ones."""
    digest = hashlib.sha256(request.photo or b"")
    digest.update(request.backdrop or b"")
    return digest.digest()


def _refusal(to_blame: bool) -> CutError:
    if not to_blame:
        return CutError(
            "not_ready",
            "The model was stopped each time it had this photo. The server may lack memory for it. Try again later, or "
            "make the photo smaller.",
            details={"reason": "model_stopped"},
            retry_after=math.ceil(_SUSPECT_S),
        )
    return CutError(
        "unreadable_image",
        "The model stopped working each time it had this photo, so it is not tried again now. Save the photo in "
        "another format or size, or use another one.",
        details={"reason": "model_stopped"},
    )
