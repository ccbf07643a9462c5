"""Which files are photos, for programs that are given folders of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from objectcut.request.sniff import ACCEPTED, HEAD, image_kind

SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".hif", ".avif"),
    *(".bmp", ".dib", ".gif", ".tif", ".tiff"),
}
"""Of files that claim to be photos: what is wrong with one is said, even if nothing in it looks like a photo."""


def passed_over(inside: PurePath) -> bool:
    """Return whether a file is not even counted: hidden ones, as macOS puts one beside each photo, and cut-outs.

    Args:
        inside: its path below the folder that was named.
    """
    return inside.stem.endswith("-cut") or any(part.startswith(".") for part in inside.parts)


def is_photo(name: str, head: Callable[[int], bytes]) -> bool:
    """Return whether a file is named like a photo or begins like one.

    Args:
        name: of the file.
        head: reads so many of its first bytes; only called where the name does not tell. An OSError means no photo.
    """
    if PurePath(name).suffix.lower() in SUFFIXES:
        return True
    try:
        return image_kind(head(HEAD)) in ACCEPTED
    except OSError:
        return False
