"""The object's own colours along a soft edge, without what shines through of the old background.

A pixel of the edge is a mixture of object and background. Both are estimated from their surroundings at a reduced size,
as blurs of what is purely one of them (after Forte 2021, Approximate Fast Foreground Colour Estimation), and the
mixture is solved for the object. Only pixels that are neither wholly in nor wholly out are changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_SIDE = 320  # px, of the reduced picture that colours are averaged in, at most
_LEVELS = 4  # of which each sees three times as far as the one before
_REACH = 2  # cells of a level that are averaged to each side
_ROWS = 128  # of alpha that are looked through at once
_PURE = 0.85  # share of one colour above which a pixel tells what that colour is
_LEAST = 1e-4  # weight below which nothing is known of a colour


@dataclass(frozen=True, eq=False)
class Colours:
    """New colours for some pixels of a photo.

    Attributes:
        rows, columns: (n,) of the pixels.
        values: (n, 3) uint8, sRGB.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: NDArray[np.uint8]

    def paint(self, picture: NDArray[np.uint8], x: int = 0, y: int = 0) -> None:
        """Change the pixels in a part of the photo whose top left corner is x, y: (h, w, 3), or 4, uint8."""
        height, width = picture.shape[:2]
        rows, columns = self.rows - y, self.columns - x
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        picture[rows[inside], columns[inside], :3] = self.values[inside]


def estimate(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Colours:
    """The object's own colours, wherever alpha is between 0 and 255.

    Args:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) uint8.
    """
    rows, columns = _soft(alpha)
    if not rows.size:
        return Colours(rows, columns, np.zeros((0, 3), np.uint8))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns.min(), columns.max() + 1
    step = -(-max(y1 - y0, x1 - x0) // _SIDE)
    part = slice(y0 + (y1 - 1 - y0) % step // 2, y1, step), slice(x0 + (x1 - 1 - x0) % step // 2, x1, step)
    around = _surroundings(pixels[part], alpha[part])
    places = (
        ((at - own.start + step // 2) // step).clip(0, length - 1)
        for at, own, length in zip((rows, columns), part, around.shape[:2], strict=True)
    )
    near = around[tuple(places)]
    front, back = near[:, :3], near[:, 3:]
    share = alpha[rows, columns, None] * np.float32(1 / 255)
    # Of all colours that mix to what is seen, those nearest to both estimates.
    missing = pixels[rows, columns] - share * front - (1 - share) * back
    solved = front + missing * share / (share**2 + (1 - share) ** 2)
    return Colours(rows, columns, solved.round().clip(0, 255).astype(np.uint8))


def _soft(alpha: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels between 0 and 255, looked for in a part of a large photo after the other."""
    width, found = alpha.shape[1], []
    for top in range(0, len(alpha), _ROWS):
        part = alpha[top : top + _ROWS] - np.uint8(1)  # 0 becomes 255
        found.append(np.flatnonzero(part < 254) + top * width)
    rows, columns = np.divmod(np.concatenate(found), width)
    return rows, columns


def _surroundings(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The colours of object and background around every place of a small picture, (h, w, 6) float32, 0 to 255.

    They are means of near pixels that are purely one of both where there are any, else of far ones.
    """
    share = torch.from_numpy(np.ascontiguousarray(alpha)).float() / 255
    colours = torch.from_numpy(np.ascontiguousarray(pixels)).float().permute(2, 0, 1)
    front, back = (((weight - _PURE) / (1 - _PURE)).clamp(min=0)[None] for weight in (share, 1 - share))
    planes = torch.cat((colours * front, colours * back, front, back))[None].contiguous(
        memory_format=torch.channels_last
    )
    levels = [planes]
    for _ in range(_LEVELS - 1):
        levels.append(functional.avg_pool2d(levels[-1], 3, ceil_mode=True))
    found = _unweighted(planes.sum((2, 3), keepdim=True))
    for level in reversed(levels):
        found = functional.interpolate(found, size=level.shape[-2:], mode="bilinear")
        mean = _blurred(level)
        trust = (mean[:, 6:] / (20 * _LEAST)).clamp(max=1).repeat_interleave(3, 1)
        found = found + trust * (_unweighted(mean) - found)
    return found[0].permute(1, 2, 0).numpy()


def _unweighted(planes: Tensor) -> Tensor:
    """Of (1, 8, h, w) sums of weighted colours and of weights the colours, (1, 6, h, w)."""
    return planes[:, :6] / planes[:, 6:].clamp(min=_LEAST).repeat_interleave(3, 1)


def _blurred(planes: Tensor) -> Tensor:
    """The mean of the neighbours of every place; beyond the border there is nothing, neither colour nor weight."""
    side, count = 2 * _REACH + 1, planes.shape[1]
    # A convolution channel by channel: five times as fast as the pooling that says the same.
    return functional.conv2d(planes, planes.new_full((count, 1, side, side), 1 / side**2), padding=_REACH, groups=count)
