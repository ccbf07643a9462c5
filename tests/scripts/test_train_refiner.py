"""Training of the refiner, for as long as it takes to see that it works."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest
from conftest import ROOT, sample
from pycocotools import mask as rle

import train_refiner
from objectcut.edges import refiner


@pytest.fixture
def folder(tmp_path):
    """A photo of a cat, and a region of it that is called one, and another of a class that no model knows."""
    photo, made = sample("chelsea"), tmp_path / "photos"
    (made / "images").mkdir(parents=True)
    photo.save(made / "images" / "cat.png")
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
    (made / "instances.json").write_text(json.dumps(told))
    (tmp_path / "recipe.yaml").write_text("sources:\n  photos: {weight: 2, shrink: 1}\n")
    return tmp_path


def test_a_folder_of_photos_makes_a_refiner_and_resumes(folder, monkeypatch, capsys):
    made, start = folder / "refiner.safetensors", ROOT / "model_store" / "refiner.safetensors"
    paths = {
        "recipe": folder / "recipe.yaml",
        "data": folder,
        "work": folder / "work",
        "initial": start,
        "output": made,
    }
    arguments = [f"--{name}={path}" for name, path in paths.items()] + ["--batch=2", "--rate=1e-4"]

    def steps(minutes: float) -> int:
        monkeypatch.setattr("sys.argv", ["train_refiner.py", *arguments, f"--minutes={minutes}"])
        assert train_refiner.main() == 0
        return int(re.findall(r"after (\d+)\s+steps", capsys.readouterr().err)[-1])

    begin = time.monotonic()
    some = steps(0.03)
    taken = (time.monotonic() - begin) / 60
    assert some > 0
    assert steps(0.03) == some  # the time is up
    labels = folder / "photos" / "instances.json"
    told = json.loads(labels.read_text())
    labels.write_text(json.dumps({**told, "annotations": told["annotations"][:1]}))  # the folder may change meanwhile
    assert steps(taken + 0.01) > some  # whatever the machine, that is more than it took
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
