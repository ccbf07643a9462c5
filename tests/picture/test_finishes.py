"""The finished pictures of finishes.json, which the page makes by the same rule.

A case is a photo (width, height) with one object (x0, y0, x1, y1; its colour is 200, 0, 0), options, and what they
give: the size, where the object is placed (left, top, width, height), the sums of alpha and of red times alpha
through 255, and some pixels on edges (x, y, straight RGBA).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from objectcut.photo.decode import Photo
from objectcut.picture import compose
from objectcut.request.options import CutOptions

CASES = json.loads(Path(__file__).with_name("finishes.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["options"]))
def test_a_picture_is_finished_by_the_rule(case: dict) -> None:
    (width, height), (x0, y0, x1, y1) = case["photo"], case["object"]
    pixels, alpha = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    pixels[y0:y1, x0:x1], alpha[y0:y1, x0:x1] = (200, 0, 0), 255
    made = compose.cut(Photo(pixels), alpha, CutOptions(edges="raw", **case["options"]))
    assert made is not None
    assert made.box == (x0, y0, x1, y1)
    assert list(made.pixels.shape[1::-1]) == case["size"]
    red, opacity = made.pixels[..., 0].astype(float), made.pixels[..., 3].astype(float)
    if "placed" in case:
        rows, columns = np.nonzero((opacity > 127) & (red > 100))
        assert [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1] == case["placed"]
    assert opacity.sum() == pytest.approx(case["alpha"], rel=0.002)
    assert (red * opacity / 255).sum() == pytest.approx(case["red"], rel=0.002)
    for x, y, wanted in case.get("pixels", []):
        assert made.pixels[y, x].tolist() == pytest.approx(wanted, abs=2)
