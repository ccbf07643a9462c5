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

from objectcut.edges.matte import bounding_box

_SIDE = 256  # px, of the reduced picture that colours are averaged in, at most
_LEVELS = 4  # of which each sees three times as far as the one before
_REACH = 2  # cells of a level that are averaged to each side
_ROWS = 128  # of the photo that are processed at once
# Share of one colour above which a pixel tells what that colour is: what it shows of the other one is in it at first,
# and known and taken out the second time, when less pure and so nearer pixels can be asked.
_PURE = (0.9, 0.6)
_SHARE = np.arange(256, dtype=np.float32) * np.float32(1 / 255)  # of the object, by alpha
_WEIGHT = _SHARE / (_SHARE**2 + (1 - _SHARE) ** 2)  # with which it takes what the estimates leave unexplained
_LEAST = 1e-4  # weight below which nothing is known of a colour


@dataclass(frozen=True, eq=False)
class Colours:
    """The object's own colours along the edge of a photo's alpha, worked out where they are asked for.

    Attributes:
        alpha: (H, W) uint8, as it was drawn: what is done to it later changes no colour.
        around: (6, h, w) float32, the colours of object and background around every place of a small picture.
        x, y: px of the photo that the small picture begins at.
        step: px of the photo from one place of the small picture to the next.
    """

    alpha: NDArray[np.uint8]
    around: NDArray[np.float32]
    x: int
    y: int
    step: int

    def paint(self, picture: NDArray[np.uint8], x: int = 0, y: int = 0) -> None:
        """Give the pixels along the edge their own colours.

        Args:
            picture: (h, w, 3) or (h, w, 4) uint8, a part of the photo that begins at x, y. It is changed.
            x, y: px of the photo.
        """
        height, width = picture.shape[:2]
        for top in range(0, height, _ROWS):
            part = self.alpha[y + top : y + min(top + _ROWS, height), x : x + width]
            self._paint_rows(picture[top : top + _ROWS], part, x, y + top)

    def _paint_rows(self, picture: NDArray[np.uint8], alpha: NDArray[np.uint8], x: int, y: int) -> None:
        soft = np.flatnonzero(alpha - np.uint8(1) < 254)  # 0 becomes 255
        if not soft.size:
            return
        rows, columns = np.divmod(soft, alpha.shape[1])
        down, across = (
            ((np.arange(count) + (at - begin + self.step // 2)) // self.step).clip(0, cells - 1)
            for count, at, begin, cells in zip(
                alpha.shape, (y, x), (self.y, self.x), self.around.shape[1:], strict=True
            )
        )
        places = (down * self.around.shape[2])[rows] + across[columns]
        values = alpha[rows, columns]
        share, weight = _SHARE[values], _WEIGHT[values]
        for channel in range(3):  # one by one: NumPy is slow along an axis of three
            front, back = (self.around[kind + channel].take(places) for kind in (0, 3))
            # Of all colours that mix to what is seen, that nearest to both estimates.
            solved = picture[rows, columns, channel] - back
            solved -= share * (front - back)
            solved *= weight
            solved += front
            picture[rows, columns, channel] = np.clip(np.rint(solved, solved), 0, 255, solved)


def estimate(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Colours:
    """Return the object's own colours, wherever alpha is between 0 and 255.

    Args:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) uint8, as it was drawn.
    """
    box = bounding_box((alpha - np.uint8(1)) < 254)
    if box is None:
        return Colours(alpha, np.zeros((6, 1, 1), np.float32), 0, 0, 1)
    x0, y0, x1, y1 = box
    step = -(-max(y1 - y0, x1 - x0) // _SIDE)
    y, x = y0 + (y1 - 1 - y0) % step // 2, x0 + (x1 - 1 - x0) % step // 2
    part = slice(y, y1, step), slice(x, x1, step)
    return Colours(alpha, _surroundings(pixels[part], alpha[part]), x, y, step)


def _surroundings(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the colours of object and background around every place of a small picture, (6, h, w) float32, 0 to 255.

    They are means of near pixels that are purely one of both where there are any, else of far ones.
    """
    share = torch.from_numpy(np.ascontiguousarray(alpha)).float() / 255
    seen = torch.from_numpy(np.ascontiguousarray(pixels)).float().permute(2, 0, 1)
    around = _around(seen, seen, share, _PURE[0])
    front, back = around[:3], around[3:]
    missing = (seen - share * front - (1 - share) * back) / (share**2 + (1 - share) ** 2)
    front, back = (front + missing * share).clamp(0, 255), (back + missing * (1 - share)).clamp(0, 255)
    return _around(front, back, share, _PURE[1]).contiguous().numpy()


def _around(front: Tensor, back: Tensor, share: Tensor, pure: float) -> Tensor:
    """Return the colours around every place, (6, h, w), from what every place itself tells of object and background.

    Args:
        front, back: (3, h, w), colours of object and background.
        share: (h, w), the object's, 0 to 1.
        pure: share of one of them from which a place tells something of it.
    """
    weights = [((each - pure) / (1 - pure)).clamp(min=0)[None] for each in (share, 1 - share)]
    planes = torch.cat((front * weights[0], back * weights[1], *weights))[None].contiguous(
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
    return found[0]


def _unweighted(planes: Tensor) -> Tensor:
    """Return the colours, (1, 6, h, w), from (1, 8, h, w) sums of weighted colours and of weights."""
    return planes[:, :6] / planes[:, 6:].clamp(min=_LEAST).repeat_interleave(3, 1)


def _blurred(planes: Tensor) -> Tensor:
    """Return the mean of the neighbours of every place; beyond the border colours and weights are zero."""
    side, count = 2 * _REACH + 1, planes.shape[1]
    # A convolution channel by channel: five times as fast as the pooling that says the same.
    return functional.conv2d(planes, planes.new_full((count, 1, side, side), 1 / side**2), padding=_REACH, groups=count)
