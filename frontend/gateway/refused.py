"""Photos that no worker is given any more: each worker that had one of them and nothing else died.

They are known again by their SHA-256, for some minutes, so that sending one again stops no worker.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict

from objectcut.errors import CutError
from objectcut.request.parse import CutRequest

_REMEMBERED_S = 600.0
_MOST = 1000


class Refused:
    """The photos of the last minutes, at most a thousand."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()  # the first to be forgotten first

    def __bool__(self) -> bool:
        """Return whether there are any."""
        while self._until and next(iter(self._until.values())) < time.monotonic():
            self._until.popitem(last=False)
        return bool(self._until)

    def __contains__(self, digest: bytes) -> bool:
        """Return whether the pictures of this digest are refused."""
        return bool(self) and digest in self._until

    def add(self, digest: bytes) -> None:
        """Refuse these pictures from now on."""
        self._until[digest] = time.monotonic() + _REMEMBERED_S
        self._until.move_to_end(digest)
        if len(self._until) > _MOST:
            self._until.popitem(last=False)


def digest_of(request: CutRequest) -> bytes:
    """Return what the pictures of a request are known by. Takes a moment for large ones."""
    digest = hashlib.sha256(request.photo or b"")
    digest.update(request.backdrop or b"")
    return digest.digest()


def refusal() -> CutError:
    """Return the error for such a photo."""
    return CutError(
        "unreadable_image",
        "The model stopped working each time it had this photo, so it is not tried again now. Save the photo in "
        "another format or size, or use another one.",
        details={"reason": "model_stopped"},
    )
