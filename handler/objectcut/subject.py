"""Which of the found objects a photo is of: what somebody means who names nothing and wants the background removed.

Owns the rule behind `pick=main`. Sizes and places decide; of the classes, it matters only whether something is
furniture, which mostly carries what the photo is of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from objectcut.instance import Instance

_LARGE = 0.02  # of the photo: a thing of this size beside furniture is what the photo is of, a smaller one is not
_BORDER = 0.5  # weight of a thing in the photo's corner; one in the centre has 1
_EQUAL = 0.3  # of the heaviest one's weight: those that have as much belong to the subject, as the people of a group
_INSIDE = 0.7  # of a thing's box, inside the box of the subject: it is worn, held or lies on it


def main_subject(
    areas: Sequence[tuple[float, Instance]], width: int, height: int, furniture: frozenset[int]
) -> list[Instance]:
    """Return the instances that are the main subject, in their order; of none, none.

    These are the heaviest one, all that are about as heavy, and smaller things of other classes that these wear or
    hold. The weight is the area, less towards the photo's border. Furniture counts only where nothing else of some
    size was found.

    Args:
        areas: each instance behind the px that its mask covers.
        width, height: of the photo, px.
        furniture: labels.
    """
    others = [(area, one) for area, one in areas if one.label not in furniture]
    if max((area for area, _ in others), default=0.0) < _LARGE * width * height:
        others = list(areas)
    weights = [area * _closeness(one, width, height) for area, one in others]
    least = _EQUAL * max(weights, default=0.0)
    main = [one for weight, (_, one) in zip(weights, others, strict=True) if weight >= least]
    return [one for _, one in others if one in main or any(_carries(each, one) for each in main)]


def _closeness(one: Instance, width: int, height: int) -> float:
    x0, y0, x1, y1 = one.box
    share = math.hypot(x0 + x1 - width, y0 + y1 - height) / math.hypot(width, height)  # of the way to a corner
    return 1 - (1 - _BORDER) * min(share, 1.0)


def _carries(one: Instance, thing: Instance) -> bool:
    """Return whether most of a thing lies in the box of one of another class."""
    x0, y0, x1, y1 = thing.box
    across = min(x1, one.box[2]) - max(x0, one.box[0])
    down = min(y1, one.box[3]) - max(y0, one.box[1])
    inside = max(across, 0.0) * max(down, 0.0)
    return one.label != thing.label and inside >= _INSIDE * (x1 - x0) * (y1 - y0)
