"""JPEG files: what their segments say, and a picture that lacks nothing but its end.

Owns the walk over the segments: the decoder gets only those that make pixels, so that broken ones of other kinds do no
harm, and no more scans than a photo has, since each of them, however short, costs the decoder all pixels. Leaves the
decoding to libjpeg-turbo: through simplejpeg, which writes a flawless photo's pixels where they are needed, else
through Pillow, which has more patience.

Format: ITU-T T.81, annex B; Exif, ICC.1 annex B.4 and Adobe's TN5116 for the application segments.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import random
import re
from collections.abc import Iterator

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from objectcut.photo import kinds, orientation
from objectcut.photo.source import Decoded, Source

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SOF = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
_LS, _SOS, _COM, _EXIF, _ICC = 0xF7, 0xDA, 0xFE, 0xE1, 0xE2
# Start and least length of the two application segments that say how colours are stored.
_OF_PIXELS = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}
_NEXT_MARKER = re.compile(
    rb"\xff[^\x00\x01\xd0-\xd7\xff]"
)  # behind the bits of a scan; one that has a length, or the end
_PADDING = re.compile(rb"\xff*")
# Before the first scan. A profile, which is the largest part that programs write, has at most 255.
_MOST_SEGMENTS = 4096
# libjpeg writes 18 scans at most, for four inks. Others may have several for each bit of a small picture.
_USUAL_SCANS, _MOST_SCANS = 24, 100
_MOST_SCANNED_PIXELS = 600_000_000  # as many as the usual scans of 25 megapixels have
_COLOURS = 3  # components
_BAND_ROWS = 256


def read(data: bytes) -> Source:
    """Read the header of a JPEG file.

    Raises:
        CutError: `unsupported_image` for 12 bits and other rare forms; `unreadable_image` for more segments or scans
            than photos have.
        Exception: whatever Pillow raises for a broken header.
    """
    parts: list[bytes | memoryview] = [_START]
    profile_parts: list[bytes] = []
    turned: int | None = None
    components = 0
    at = len(_START)
    view = memoryview(data)
    for marker, start, content in _segments(data):
        if marker in _SOF:
            components = _checked_components(marker, content)
        elif marker == _EXIF and content.startswith(b"Exif\0\0"):
            turned = turned or orientation.of_exif(content)
        elif marker == _ICC and content.startswith(b"ICC_PROFILE\0"):
            profile_parts.append(content[12:])
        end = start + 4 + len(content)
        if _makes_pixels(marker, content):
            parts.append(view[start:end])
        at = end
    plain = b"".join([*parts, view[at:]])
    width, height = size = _opened(plain).size
    _check_scans(plain, width * height)
    file = _File(plain)

    return Source(
        size=size,
        decode=lambda: Decoded(file.pixels() if components == _COLOURS else file.loaded()),
        shrunk=lambda side: Decoded(file.loaded(side)) if min(size) >= 2 * side else None,
        orientation=turned or 1,
        profile=_profile(profile_parts),
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Marker, offset and content of the segments before the first scan, as long as they follow each other."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = max(_PADDING.match(data, at).end() - 1, at)  # type: ignore[union-attr]  # it matches nothing, too
        if at + 4 > len(data) or data[at] != 0xFF:
            return
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS or not 0xC0 <= marker <= 0xFE or 0xD0 <= marker <= 0xD9 or end < at + 4 or end > len(data):
            return
        yield marker, at, data[at + 4 : end]
        at = end
    raise kinds.unreadable()


def _makes_pixels(marker: int, content: bytes) -> bool:
    if marker in _OF_PIXELS:
        start, least = _OF_PIXELS[marker]
        return content.startswith(start) and len(content) >= least
    return marker != _COM and not 0xE0 <= marker <= 0xEF


def _check_scans(data: bytes, pixels: int) -> None:
    most = min(_MOST_SCANS, max(_USUAL_SCANS, _MOST_SCANNED_PIXELS // max(pixels, 1)))
    if data.count(bytes([0xFF, _SOS])) <= most:  # quick; what follows the photo is counted as well
        return
    scans = (marker for marker, _ in _markers(data) if marker == _SOS)
    if next(itertools.islice(scans, most, None), None) is not None:
        raise kinds.unreadable()


def _checked_components(marker: int, frame: bytes) -> int:
    if len(frame) < 6:
        return 0
    depth, components = frame[0], frame[5]
    if depth in {12, 16}:
        raise kinds.unsupported(f"{depth}-bit JPEG")
    if marker == _LS:
        raise kinds.unsupported("JPEG-LS")
    if components == 2:
        raise kinds.unsupported("JPEG of two components")
    return components


def _profile(parts: list[bytes]) -> bytes | None:
    """Return the ICC profile: each part has its number and the number of parts before it."""
    if not parts or any(len(part) < 2 or part[1] != len(parts) for part in parts):
        return None
    return b"".join(part[2:] for part in sorted(parts))


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=("JPEG",))


class _File:
    """A file with its pixels. One that is found to lack its end gets it once, for all who decode it.

    Args:
        data: the file, without segments that make no pixels.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def pixels(self) -> NDArray[np.uint8] | Image.Image:
        """Return the colours, as an array where the file has no flaw."""
        try:
            pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(self._data, "RGB")
        except ValueError:  # strict: also what libjpeg would only warn of
            return self.loaded()
        return pixels

    def loaded(self, side: int | None = None) -> Image.Image:
        """Return the pixels; with a side, of a smaller copy.

        JPEG stores frequencies, so that a half, a quarter or an eighth of the size needs only the lower ones of them.
        """
        try:
            return _decoded(self._data, side)
        except OSError:
            if self._data.endswith(_END) or not _lacks_only_its_end(self._data):
                raise
        self._data += _END
        return _decoded(self._data, side)


def _decoded(data: bytes, side: int | None) -> Image.Image:
    image = _opened(data)
    if side is not None:
        image.draft(None, (side, side))
    image.load()
    return image


def _lacks_only_its_end(data: bytes) -> bool:
    """Return whether every pixel of a file without end marker is there: then none depends on what is put behind it."""
    if not _has_all_scans(data):
        return False
    data = data.rstrip(b"\xff")
    return _digest(data + _END) == _digest(data + _noise(data) + _END)


def _noise(data: bytes) -> bytes:
    """More of a scan, of no meaning: bits, and the restart markers that are next."""
    _, last = max((data.rfind(bytes([0xFF, 0xD0 + n])), n) for n in range(8))
    chance = random.Random(0)  # noqa: S311
    parts = ((*(chance.randrange(255) for _ in range(64)), 0xFF, 0xD0 + (last + n) % 8) for n in range(1, 33))
    return b"".join(map(bytes, parts))


def _markers(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of the segments up to the end of the picture, also of those between the scans."""
    at = 2
    while (match := _NEXT_MARKER.search(data, at)) and match[0] != _END:
        at = match.end()
        content = data[at + 2 : at + int.from_bytes(data[at : at + 2], "big")]
        yield match[0][1], content
        at += 2 + len(content)


def _has_all_scans(data: bytes) -> bool:
    """Return whether the scans bring every coefficient of every component to its full precision."""
    missing: dict[int, set[int]] = {}
    for marker, content in _markers(data):
        if marker in _SOF and len(content) >= 6:
            missing = {content[i]: set(range(64)) for i in range(6, len(content), 3)}
        elif marker == _SOS and len(content) >= 4:
            first, last, precision = content[-3:]
            if precision & 15 == 0:
                for component in content[1 : 1 + 2 * content[0] : 2]:
                    missing.get(component, set()).difference_update(range(first, last + 1))
    return bool(missing) and not any(missing.values())


def _digest(data: bytes) -> bytes:
    image = _decoded(data, None)
    hasher = hashlib.blake2b()
    for top in range(0, image.height, _BAND_ROWS):
        hasher.update(image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height))).tobytes())
    return hasher.digest()
