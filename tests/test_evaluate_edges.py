"""The measures of edges, on masks whose figures are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import sample
from pycocotools import mask as rle

import evaluate_edges
from evaluate_edges import judge


def square(x: int, y: int, side: int = 40):
    mask = np.zeros((100, 100), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_the_same_mask_is_perfect():
    judged = judge(square(20, 20), square(20, 20))
    assert (judged.iou, judged.boundary_iou, judged.f2, judged.f4) == (1, 1, 1, 1)


def test_what_is_off_by_three_pixels_passes_at_four_and_not_at_two():
    judged = judge(square(20, 20, 40), square(17, 17, 46))
    assert judged.f4 > 0.95  # the corners are further apart
    assert judged.f2 == 0
    assert judged.iou == pytest.approx(40**2 / 46**2)


def test_masks_apart_have_nothing_in_common():
    judged = judge(square(0, 0, 20), square(60, 60, 20))
    assert (judged.iou, judged.boundary_iou, judged.f2, judged.f4) == (0, 0, 0, 0)


def test_the_border_of_the_photo_is_no_edge():
    left, right = square(0, 0, 50), square(0, 0, 50)
    left[:, 50:] = True  # everything but the lower right
    assert judge(left, left).f2 == 1
    assert judge(right, right).f2 == 1


def test_a_folder_of_photos_is_judged(tmp_path, monkeypatch, capsys):
    photo = sample("chelsea")
    mask = np.zeros((photo.height, photo.width), np.uint8, order="F")
    mask[20:290, 90:400] = 1
    coded = rle.encode(mask)
    coded["counts"] = coded["counts"].decode()
    (tmp_path / "images").mkdir()
    photo.save(tmp_path / "images" / "cat.png")
    told = {
        "images": [{"id": 1, "file_name": "cat.png", "width": photo.width, "height": photo.height, "split": "val"}],
        "categories": [{"id": 17, "name": "cat"}],
        "annotations": [
            {"image_id": 1, "category_id": 17, "bbox": [90, 20, 310, 270], "iscrowd": 0, "segmentation": coded}
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(told))
    figures = tmp_path / "figures.json"
    arguments = [str(tmp_path), "--json", str(figures), "--sheet", str(tmp_path / "sheet.png")]
    monkeypatch.setattr("sys.argv", ["evaluate_edges.py", *arguments])
    assert evaluate_edges.main() == 0
    (case,) = json.loads(figures.read_text())
    assert case["class"] == "cat"
    assert case["raw"]["iou"] > 0.5
    assert (tmp_path / "sheet.png").exists()
    assert "1 of 1 objects" in capsys.readouterr().out
