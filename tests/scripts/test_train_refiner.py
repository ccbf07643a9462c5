"""Training of the refiner, for as long as it takes to see that it works."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import ROOT, sample
from pycocotools import mask as rle

import train_refiner
from objectcut.edges import refiner


@pytest.fixture
def folder(tmp_path):
    """A photo of a cat, and a region of it that is called one, and another of a class that no model knows."""
    photo = sample("chelsea")
    (tmp_path / "images").mkdir()
    photo.save(tmp_path / "images" / "cat.png")
    things = []
    for category, (x0, y0, x1, y1) in ((17, (90, 20, 400, 290)), (99, (10, 10, 90, 120))):
        mask = np.zeros((photo.height, photo.width), np.uint8, order="F")
        mask[y0:y1, x0:x1] = 1
        coded = rle.encode(mask)
        coded["counts"] = coded["counts"].decode()
        box = [x0, y0, x1 - x0, y1 - y0]
        things.append({"image_id": 1, "category_id": category, "bbox": box, "iscrowd": 0, "segmentation": coded})
    told = {
        "images": [{"id": 1, "file_name": "cat.png", "width": photo.width, "height": photo.height, "split": "train"}],
        "categories": [{"id": 17, "name": "cat"}, {"id": 99, "name": "nonesuch"}],
        "annotations": things,
    }
    (tmp_path / "instances.json").write_text(json.dumps(told))
    return tmp_path


def test_a_folder_of_photos_makes_a_refiner(folder, monkeypatch):
    made = folder / "refiner.safetensors"
    arguments = [str(folder), "--minutes", "0.05", "--batch", "2", "--rate", "1e-4", "--weights", "2", "--shrink", "1"]
    arguments += ["--start", str(ROOT / "model_store" / "refiner.safetensors"), "--output", str(made)]
    monkeypatch.setattr("sys.argv", ["train_refiner.py", *arguments])
    assert train_refiner.main() == 0
    before = refiner.load(ROOT / "model_store" / "refiner.safetensors").state_dict()
    after = refiner.load(made).state_dict()
    assert {name: tensor.shape for name, tensor in after.items()} == {n: t.shape for n, t in before.items()}
    assert made.stat().st_size <= 5e6


def test_the_mean_of_a_refiner_with_itself_is_itself(tmp_path, monkeypatch):
    path, mean = ROOT / "model_store" / "refiner.safetensors", tmp_path / "mean.safetensors"
    monkeypatch.setattr("sys.argv", ["train_refiner.py", "--mean", str(path), str(path), "--output", str(mean)])
    assert train_refiner.main() == 0
    before, after = refiner.load(path).state_dict(), refiner.load(mean).state_dict()
    assert all((before[name] == after[name]).all() for name in before)


def test_another_file_is_not_taken_for_a_refiner():
    with pytest.raises(RuntimeError, match="does not hold a refiner's weights"):
        refiner.load(ROOT / "model_store" / "bundled.safetensors")
