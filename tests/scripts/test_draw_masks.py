"""Masks for boxes: drawn where the model is sure of them, as labels that the training takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import sample

import draw_masks
from training.scenes import read, sources

RECIPE = "classes: [cat]\nsources:\n  boxes: {}\n  masks: {}\n"
CAT, SMALL = [60, 5, 391, 295], [5, 5, 10, 10]  # px; the cat fills most of the photo


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with boxes alone, and one with masks."""
    photo = sample("chelsea")
    square = [[0, 0, 10, 0, 10, 10, 0, 10]]
    for name, things in {"boxes": [(CAT, None), (SMALL, None)], "masks": [([0, 0, 10, 10], square)]}.items():
        (tmp_path / name / "images").mkdir(parents=True)
        photo.save(tmp_path / name / "images" / "cat.png")
        content = {
            "images": [{"id": 1, "file_name": "cat.png", "height": photo.height, "width": photo.width}],
            "categories": [{"id": 17, "name": "cat"}],
            "annotations": [
                {"image_id": 1, "category_id": 17, "bbox": box, "iscrowd": 0, "segmentation": mask}
                for box, mask in things
            ],
        }
        (tmp_path / name / "instances.json").write_text(json.dumps(content))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def test_boxes_get_masks_that_training_takes(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    words = {"--recipe": data / "recipe.yaml", "--data": data, "--output": data / "drawn"}
    monkeypatch.setattr("sys.argv", ["draw_masks.py", *(str(word) for pair in words.items() for word in pair)])
    draw_masks.console.file = sys.stderr  # that of this test
    assert draw_masks.main() == 0
    assert "boxes: 1 of 2 masks drawn" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in (data / "drawn").iterdir()] == ["boxes.json"]

    recipe = {"sources": {"boxes": {}, "masks": {}}}
    boxes, masks = (
        read(source, "train", ("__background__", "cat"))[0].things for source in sources(recipe, data, data / "drawn")
    )
    photo = sample("chelsea")
    cat = boxes[0].mask(photo.height, photo.width)
    assert cat is not None
    assert boxes[1].mask(photo.height, photo.width) is None
    assert cat[150, 220] == 1  # her nose
    assert cat[:, :60].sum() == 0
    assert 0.5 < cat[5:, 60:].mean() < 0.98  # a shape, not the box
    assert masks[0].mask(photo.height, photo.width).sum() == 100  # type: ignore[union-attr]
    assert np.array_equal(boxes[0].box, (60, 5, 451, 300))
