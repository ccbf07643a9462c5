"""Masks as compressed COCO run lengths.

The format of `pycocotools`: runs down the columns, outside first; each run but the first three as the difference to
the one two before it, in groups of five bits, low group first.
"""

from __future__ import annotations

import numpy as np

from objectcut.edges.matte import Matte


def encode(matte: Matte, width: int, height: int) -> dict[str, list[int] | str]:
    """Return the mask of a photo of this size as `{"size": [height, width], "counts": "..."}`.

    Work grows with the mask's box, not with the photo.
    """
    columns = np.pad(matte.inside.T, ((0, 0), (1, 1))).astype(np.int8)  # (w, h + 2): columns begin and end outside
    change = np.diff(columns, axis=1)
    column, row = np.nonzero(change == 1)
    starts = (column + matte.x) * height + row + matte.y
    column, row = np.nonzero(change == -1)
    ends = (column + matte.x) * height + row + matte.y
    # A run that reaches the photo's bottom goes on at the top of the next column.
    joined = starts[1:] == ends[:-1]
    starts, ends = (
        starts[np.r_[True, ~joined]] if starts.size else starts,
        ends[np.r_[~joined, True]] if ends.size else ends,
    )
    borders = np.empty(2 * starts.size + 2, np.int64)
    borders[0], borders[1:-1:2], borders[2:-1:2], borders[-1] = 0, starts, ends, width * height
    counts = np.diff(borders).tolist()
    if counts[-1] == 0:
        counts.pop()
    return {"size": [height, width], "counts": _compress(counts)}


def _compress(counts: list[int]) -> str:
    text = bytearray()
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != -1 if bits & 0x10 else value != 0
            text.append((bits | 0x20 if more else bits) + 48)
    return text.decode("ascii")
