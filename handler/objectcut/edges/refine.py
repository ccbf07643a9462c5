"""The alpha of all wanted objects of a photo together, each drawn along the photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from objectcut.edges import drawing, matte
from objectcut.edges.drawing import Sketch
from objectcut.edges.matte import Drawn, Extent, Found, Matte
from objectcut.edges.overlap import same_things
from objectcut.instance import Instance
from objectcut.worker.spread import Spread

_KEPT = 2  # bytes a pixel of the photo that what was drawn of it may take


def refine(
    pixels: NDArray[np.uint8],
    chosen: Sequence[Instance],
    refiner: nn.Module | None,
    spread: Spread = map,
    batched: bool = False,
    before: Drawn | None = None,
) -> tuple[NDArray[np.uint8], list[Extent]]:
    """Draw the edges of some objects and put them together.

    Args:
        pixels: (H, W, 3) uint8, the whole photo, sRGB.
        chosen: the objects, with their masks.
        refiner: draws the edges; None leaves the masks as the network made them.
        spread: distributes the objects over cores.
        batched: whether the refiner draws all of them at once, as suits a GPU.
        before: what it drew of this photo; it is not drawn again, and what is drawn now is put there, as far as it is
            not too much.

    Returns:
        (H, W) uint8, the alpha of all together, and what each covers, in the order of `chosen`.
    """
    height, width = pixels.shape[:2]
    groups = same_things(chosen)
    ordered = [instance for group in groups for instance in group]
    known = before or {}
    sketches: dict[int, Sketch] = {}
    if batched and refiner is not None:
        # On a processor each object has a core of its own instead, and no drawing has to wait for the others.
        new = [place for place, each in enumerate(ordered) if (each.id, each.box) not in known]
        sketches.update(zip(new, drawing.sketch(pixels, [ordered[place] for place in new], refiner), strict=True))

    def drawn(place: int) -> Matte:
        instance = ordered[place]
        if refiner is None:
            return matte.paste(instance, width, height)
        key = instance.id, instance.box
        if key in known:
            return known[key]
        sketched = sketches.get(place)
        made = drawing.enlarged(sketched, pixels) if sketched else drawing.draw(pixels, instance, refiner)
        if not made.inside.any():  # where the refiner sees no object, the plain mask is better
            made = matte.paste(instance, width, height)
        # Not of every crowd: all of its people may be as large as the photo.
        if before is not None and _bytes(before) + made.alpha.nbytes <= _KEPT * width * height:
            before[key] = made
        return made

    mattes = spread(drawn, range(len(ordered)))
    extents: dict[int, Extent] = {}

    def things() -> Iterator[Matte]:
        for group in groups:
            together: Matte | None = None
            for instance in group:  # one after the other: all of them may be as large as the photo
                found = Found(instance, next(mattes))
                if not found.matte.area:  # a speck that shows in a small picture of it alone
                    continue
                extents[instance.id] = found.extent
                together = found.matte if together is None else matte.highest([together, found.matte])
            if together is not None:
                yield together

    alpha = matte.union(things(), width, height)
    return alpha, [extents[instance.id] for instance in chosen if instance.id in extents]


def _bytes(drawn: Drawn) -> int:
    return sum(each.alpha.nbytes for each in [*drawn.values()])
