"""What was made of the photos of the last minutes: another question about one of them costs no network.

In memory alone, and bounded. A photo is known again by the SHA-256 of its file.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from objectcut.edges.matte import Drawn
from objectcut.network.detector import Sight
from objectcut.photo.decode import Photo, Preview


@dataclass(eq=False)
class RecentPhoto:
    """What was made of one photo so far.

    Attributes:
        preview: for the network.
        photo: all pixels, for the cut-out; they may still be decoded while the network runs. None when that has not
            begun or is not needed.
        sight: what the network saw.
        drawn: the objects whose edges were drawn.
        kept: whether it may be asked about again, so that the last two are worth their memory.
    """

    preview: Preview
    photo: Future[Photo] | None
    sight: Sight | None = None
    drawn: Drawn = field(default_factory=dict)
    kept: bool = False

    def __reduce__(self) -> tuple[Callable[..., RecentPhoto], tuple[Preview, Photo | None]]:
        """Let it travel to another process, without what only another question would need."""
        ready = self.photo is not None and self.photo.done() and self.photo.exception() is None
        return _begun, (self.preview, self.photo.result() if ready and self.photo is not None else None)

    def remember(self, sight: Sight) -> None:
        """Keep what the network saw, where the photo is kept."""
        if self.kept:
            self.sight = sight

    def forget(self) -> None:
        """Let go what only another question would need."""
        self.kept, self.sight = False, None

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        held = self.preview.pixels.nbytes + sum(matte.alpha.nbytes for matte in [*self.drawn.values()])
        if self.sight is not None:
            held += self.sight.nbytes
        if self.photo is not None and self.photo.done() and self.photo.exception() is None:
            photo = self.photo.result()
            held += photo.pixels.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)
        return held


def _begun(preview: Preview, photo: Photo | None) -> RecentPhoto:
    if photo is None:
        return RecentPhoto(preview, None)
    whole: Future[Photo] = Future()
    whole.set_result(photo)
    return RecentPhoto(preview, whole)


class RecentPhotos:
    """Keeps them for a while.

    Args:
        max_bytes: of all together; those that nobody asked about for the longest time go first.
        seconds: after which a photo that nobody asks about any more goes.
        tidy: is called when some went because of their time.
    """

    def __init__(self, max_bytes: int, seconds: float, tidy: Callable[[], None]) -> None:
        self._max_bytes, self._seconds = max_bytes, seconds
        self._tidy = tidy
        self._kept: OrderedDict[bytes, tuple[RecentPhoto, float]] = OrderedDict()  # with the time of the last question
        self._lock = threading.Lock()
        self._clock: threading.Timer | None = None

    def recall(self, data: bytes, begin: Callable[[], RecentPhoto]) -> RecentPhoto:
        """Return what was made of a photo, or begin with it.

        Args:
            data: its file.
            begin: reads a photo that is not known. What it raises is raised.
        """
        if not self._seconds or not self._max_bytes:
            return begin()
        digest = hashlib.sha256(data).digest()
        with self._lock:
            known = self._kept.get(digest)
        recent = begin() if known is None else known[0]
        with self._lock:
            recent.kept = True
            self._kept[digest] = recent, time.monotonic()
            self._kept.move_to_end(digest)
        return recent

    def trim(self) -> None:
        """Forget what is too much, now, and what is too old, in time. To be called when more was made of photos."""
        with self._lock:
            held = sum(recent.nbytes for recent, _ in self._kept.values())
            while held > self._max_bytes:
                _, (recent, _) = self._kept.popitem(last=False)
                held -= recent.nbytes
                recent.forget()
            if self._kept and self._clock is None:
                _, asked = next(iter(self._kept.values()))
                self._clock = threading.Timer(asked + self._seconds - time.monotonic(), self._expire)
                self._clock.daemon = True
                self._clock.start()

    def _expire(self) -> None:
        with self._lock:
            self._clock = None
            oldest = time.monotonic() - self._seconds
            gone = [digest for digest, (_, asked) in self._kept.items() if asked <= oldest]
            for digest in gone:
                self._kept.pop(digest)[0].forget()
        self.trim()
        if gone:
            self._tidy()
