"""Where the refiner is in doubt, the colours of the sure pixels around decide.

Like the colour samples of matting (Wang and Cohen 2007, Optimized color sampling for robust matting): a pixel is
compared with samples on rings around it that are surely the object or surely not; what has the colour of the one or
the other becomes surer, and what lies between both, such as hair, stays as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOWEST = 0.03  # alpha; between this and its counterpart is doubt
_SURE = 0.9  # alpha from which a sample begins to count for the object; its counterpart for the background
_RADIUS, _RINGS, _DIRECTIONS = 24, 4, 12  # px of the outermost ring, and samples on each
_ALIKE = 0.06  # distance of colours, 0 to 1 in each channel, at which likeness falls to 0.6
_FLOOR = 0.005  # likeness of no sample at all
_MOST = 4.0  # logits that colours can move a pixel
Plane = NDArray[np.float32]


def _samples() -> NDArray[np.intp]:
    """Return the places of the samples, (n, 2), rows and columns from the pixel; every other ring is turned."""
    ring, step = np.divmod(np.arange(_RINGS * _DIRECTIONS), _DIRECTIONS)
    angle = 2 * np.pi * (step + 0.5 * (ring % 2)) / _DIRECTIONS
    radius = _RADIUS * (ring + 1) / _RINGS
    places: NDArray[np.intp] = np.stack((radius * np.sin(angle), radius * np.cos(angle)), 1).round().astype(np.intp)
    return places


_SAMPLES = _samples()


def resolved(alpha: Plane, hardness: Plane, small: Plane, known: NDArray[np.bool_]) -> Plane:
    """Return an alpha whose doubtful pixels were moved towards what their colours say.

    Args:
        alpha: (h, w) float32, 0 to 1.
        hardness: likewise, 0 where the edge is a soft one, which colours shall not harden.
        small: (h, w, 3) float32, 0 to 1, the picture.
        known: (h, w), True inside of the photo; nothing else is a sample.
    """
    rows, columns = np.nonzero((alpha > _LOWEST) & (alpha < 1 - _LOWEST))
    if not len(rows):
        return alpha
    width = alpha.shape[1] + 2 * _RADIUS
    sampled = np.pad(np.where(known, alpha, np.float32(0.5)), _RADIUS, constant_values=0.5).ravel()
    own = (rows + _RADIUS) * width + columns + _RADIUS
    places = own[:, None] + _SAMPLES @ (width, 1)
    distance = np.zeros(places.shape, np.float32)
    for channel in range(3):
        plane = np.pad(small[..., channel], _RADIUS, mode="edge").ravel()
        distance += (plane[places] - plane[own, None]) ** 2
    alike = np.exp(distance * np.float32(-0.5 / _ALIKE**2))
    inside, outside = (((side - _SURE) / (1 - _SURE)).clip(0, 1) for side in (sampled[places], 1 - sampled[places]))
    of_object, of_background = ((alike * side).sum(1) / (side.sum(1) + 1) for side in (inside, outside))
    moved = np.log((of_object + _FLOOR) / (of_background + _FLOOR)).clip(-_MOST, _MOST)
    moved *= np.sqrt(hardness[rows, columns])
    before = alpha[rows, columns]
    after: Plane = alpha.copy()
    after[rows, columns] = 1 / (1 + (1 - before) / before * np.exp(-moved))
    return after
