"""The values that travel between the stages: what is looked for in a photo, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from objectcut.network.detector import Sight

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in px, half-open."""
UNNAMED = 0
"""The label of what was given as a box: the network's index of the background, which is never detected."""


@dataclass(frozen=True, eq=False)
class Instance:
    """One detected object.

    Attributes:
        id: made of class and box by `identity`, so that it is the same in every call for the photo.
        label: index into the model's classes, or `UNNAMED`.
        score: 0 to 1.
        box: x0, y0, x1, y1 in px of the photo.
        mask: (28, 28) float32, probability that the cell of the box shows the object; None when not computed.
    """

    id: int
    label: int
    score: float
    box: tuple[float, float, float, float]
    mask: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Query:
    """A photo and what is wanted of it.

    Attributes:
        pixels: (h, w, 3) uint8, sRGB; the photo, or a copy of it that is a whole number of times smaller.
        min_score: lowest score of interest, 0 to 1.
        keep: picks the instances that shall have a mask out of all found, best score first.
        size: width and height of the photo, px; those of `pixels` when None.
        sight: what the network saw in the photo before; it does not look again then.
        saw: is given what it saw, where it looked.
    """

    pixels: NDArray[np.uint8]
    min_score: float
    keep: Callable[[Sequence[Instance]], Sequence[Instance]]
    size: tuple[int, int] | None = None
    sight: Sight | None = None
    saw: Callable[[Sight], None] | None = None

    @property
    def width(self) -> int:
        """Of the photo, px."""
        return self.size[0] if self.size else int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Of the photo, px."""
        return self.size[1] if self.size else int(self.pixels.shape[0])


@dataclass(frozen=True, eq=False)
class Detection:
    """What was found in one photo: everything without masks, and the kept instances with theirs."""

    found: tuple[Instance, ...]
    kept: tuple[Instance, ...]
