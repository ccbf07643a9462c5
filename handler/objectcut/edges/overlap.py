"""Which detections show the same thing: a cat that was found as a dog too, a tie and the person who wears it.

The edges of one thing may be drawn twice and must not add up; those of two things that touch must. The page's preview
follows the same rule (`frontend/static/maskworker.js`).
"""

from __future__ import annotations

from collections.abc import Sequence

from objectcut.edges.matte import probability
from objectcut.instance import Instance

_SHARE = 0.5  # of the smaller mask that lies inside of the larger one


def same_things(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Return the instances in groups, each of which shows one thing; groups and their members keep the order.

    Two are of one group when more than half of the smaller one's mask lies inside of the other's, or when both are of
    one group with a third.

    Args:
        instances: with their masks.
    """
    areas = [_area(instance) for instance in instances]
    groups: list[list[int]] = []
    for place, instance in enumerate(instances):
        group, others = [place], []
        for earlier in groups:
            if any(_overlap(instance, areas[place], instances[other], areas[other]) for other in earlier):
                group += earlier
            else:
                others.append(earlier)
        groups = [*others, sorted(group)]
    return [[instances[place] for place in group] for group in sorted(groups)]


def _overlap(one: Instance, area: float, other: Instance, others_area: float) -> bool:
    if area > others_area:
        one, other, area = other, one, others_area
    shared = _size(
        (max(one.box[0], other.box[0]), max(one.box[1], other.box[1])),
        (min(one.box[2], other.box[2]), min(one.box[3], other.box[3])),
    )
    if shared <= _SHARE * area:
        return False  # the boxes alone say so; most pairs end here
    assert one.mask is not None
    assert other.mask is not None
    cells = one.mask.shape[0]
    inside = one.mask > 0.5
    covered = probability(other.mask, other.box, one.box, (cells, cells)) > 0.5
    return bool((inside & covered).sum() > _SHARE * inside.sum())


def _area(instance: Instance) -> float:
    """Return the area of the mask, px of the photo."""
    assert instance.mask is not None
    return float((instance.mask > 0.5).mean()) * _size(instance.box[:2], instance.box[2:])


def _size(corner: tuple[float, float], opposite: tuple[float, float]) -> float:
    return max(opposite[0] - corner[0], 0) * max(opposite[1] - corner[1], 0)
