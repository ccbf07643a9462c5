"""Ids of detected objects, which follow from class and box alone.

A rank by score would do on one machine, but two objects with almost the same score change places when the photo is
detected in other company or on another device. An id holds the class and the box instead, as decimal digits: the label,
then x0, y0, x1 and y1 in thousandths of the photo's sides, three digits each. `match` allows for a box that comes out
a pixel or two beside the one that the id was made of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

LARGEST = 2**53 - 1
"""The largest whole number that JSON carries exactly everywhere."""
_STEPS = 1000
_TOLERANCE = 4  # thousandths of a side: about two pixels of the network's input


def identify(label: int, box: Sequence[float], width: int, height: int) -> int:
    """Return the id of an object.

    Args:
        label: index into the model's classes, from 0 to 9006, for which `LARGEST` leaves room.
        box: x0, y0, x1, y1 in px of the photo.
        width, height: of the photo, px.
    """
    made = label
    for place, side in zip(box, (width, height, width, height), strict=True):
        made = made * _STEPS + min(max(int(place * _STEPS / side), 0), _STEPS - 1)
    return made


def match(wanted: Collection[int], there: Sequence[int]) -> set[int]:
    """Return the ids among those of a photo that are meant by ids from an earlier look at the same photo."""
    meant = set()
    for asked in wanted:
        nearest = min(there, key=lambda one: _distance(asked, one), default=None)
        if nearest is not None and _distance(asked, nearest) <= _TOLERANCE:
            meant.add(nearest)
    return meant


def _distance(one: int, other: int) -> int:
    """Return the thousandths by which two boxes differ at most; beyond the tolerance for different classes."""
    furthest = 0
    for _ in range(4):
        one, own = divmod(one, _STEPS)
        other, others = divmod(other, _STEPS)
        furthest = max(furthest, abs(own - others))
    return furthest if one == other else _STEPS
