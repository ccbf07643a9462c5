"""Edges are judged on a folder of photos."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from conftest import ROOT, sample
from pycocotools import mask as rle

import evaluate_edges


def test_a_folder_of_photos_is_judged(tmp_path, monkeypatch, capsys):
    photo = sample("chelsea")
    mask = np.zeros((photo.height, photo.width), np.uint8, order="F")
    mask[20:290, 90:400] = 1
    coded = rle.encode(mask)
    coded["counts"] = coded["counts"].decode()
    (tmp_path / "images").mkdir()
    photo.save(tmp_path / "images" / "cat.png")
    told = {
        "images": [{"id": 1, "file_name": "cat.png", "width": photo.width, "height": photo.height, "split": "test"}],
        "categories": [{"id": 17, "name": "cat"}],
        "annotations": [
            {"image_id": 1, "category_id": 17, "bbox": [90, 20, 310, 270], "iscrowd": 0, "segmentation": coded}
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(told))
    figures, sheet = tmp_path / "figures.json", tmp_path / "sheet.png"
    arguments = [str(tmp_path), "--json", str(figures), "--composites", "1", "--sheet", str(sheet)]
    arguments += ["--split", "test", "--large", "--refiner", str(ROOT / "model_store" / "refiner.safetensors")]
    monkeypatch.setattr("sys.argv", ["evaluate_edges.py", *arguments])
    assert evaluate_edges.main() == 0
    told = json.loads(figures.read_text())[tmp_path.name]
    (case,), (alone,) = told["true_boxes"], told["boxes_alone"]
    assert case["class"] == alone["class"] == "cat"
    assert case["raw"]["iou"] > 0.5
    assert alone["smooth"]["iou"] > 0.5
    assert [each["kind"] for each in told["composites"]] == ["fur", "hair", "thin", "translucent"]
    assert all(each["errors"]["smooth"]["sad"] > 0 for each in told["composites"])
    assert sheet.exists()
    shown = capsys.readouterr().out
    assert "1 of 1 objects" in shown
    assert "boxes alone: 1 objects" in shown


def test_a_comparison_needs_its_package(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pymatting", None)
    monkeypatch.setattr("sys.argv", ["evaluate_edges.py", str(tmp_path), "--pymatting"])
    with pytest.raises(SystemExit):
        evaluate_edges.main()
    assert "pip install pymatting" in capsys.readouterr().err


def test_a_folder_without_objects_is_an_error(tmp_path, monkeypatch, capsys):
    (tmp_path / "instances.json").write_text(json.dumps({"images": [], "categories": [], "annotations": []}))
    monkeypatch.setattr("sys.argv", ["evaluate_edges.py", str(tmp_path)])
    with pytest.raises(SystemExit):
        evaluate_edges.main()
    assert "no val photos with masks of objects" in capsys.readouterr().err
