"""The alpha of all wanted objects of a photo together, each drawn along the photo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from objectcut.edges import drawing, matte
from objectcut.edges.matte import Extent, Found, Matte
from objectcut.edges.overlap import same_things
from objectcut.instance import Instance

Spread = Callable[[Callable[[Instance], Matte], Iterable[Instance]], Iterator[Matte]]
"""Maps a function over instances, in order; may do several at once."""


def refine(
    pixels: NDArray[np.uint8], chosen: Sequence[Instance], refiner: nn.Module | None, spread: Spread = map
) -> tuple[NDArray[np.uint8], list[Extent]]:
    """Draw the edges of some objects and put them together.

    Args:
        pixels: (H, W, 3) uint8, the whole photo, sRGB.
        chosen: the objects, with their masks.
        refiner: draws the edges; None leaves the masks as the network made them.
        spread: distributes the objects over cores.

    Returns:
        (H, W) uint8, the alpha of all together, and what each covers, in the order of `chosen`.
    """
    height, width = pixels.shape[:2]

    def drawn(instance: Instance) -> Matte:
        made = None if refiner is None else drawing.draw(pixels, instance, refiner)
        # Where the refiner sees no object, the plain mask is better.
        return made if made is not None and made.inside.any() else matte.paste(instance, width, height)

    groups = same_things(chosen)
    mattes = spread(drawn, [instance for group in groups for instance in group])
    extents: dict[int, Extent] = {}

    def things() -> Iterator[Matte]:
        for group in groups:
            together: Matte | None = None
            for instance in group:  # one after the other: all of them may be as large as the photo
                found = Found(instance, next(mattes))
                extents[instance.id] = found.extent
                together = found.matte if together is None else matte.highest([together, found.matte])
            assert together is not None
            yield together

    alpha = matte.union(things(), width, height)
    return alpha, [extents[instance.id] for instance in chosen]
