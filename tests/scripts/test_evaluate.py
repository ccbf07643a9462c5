"""Models are judged on folders of photos: by hand-made detections, and by the command as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT, sample
from pycocotools import mask as rle

import evaluate
from training import detections
from training.detections import NOTHING, Found, Looked
from training.scenes import Scene, Thing

CLASSES = ("__background__", "cat", "dog", "cow")
SIZE = 100, 200  # height, width


def coded(box, height=SIZE[0], width=SIZE[1]):
    mask = np.zeros((height, width), np.uint8, order="F")
    x0, y0, x1, y1 = box
    mask[y0:y1, x0:x1] = 1
    return rle.encode(mask)


def found(name, score, box):
    return Found(name, score, tuple(map(float, box)), coded(box))


def looked(things, *detections_, complete=CLASSES, ignored=()):
    """A photo with things, as name, box and whether the mask is known, and what was found in it."""
    labelled = [
        Thing(CLASSES.index(name), tuple(map(float, box)), coded(box) if masked else None)
        for name, box, masked in things
    ]
    known = np.array([name in complete for name in CLASSES])
    scene = Scene(Path(), tuple(labelled), known, tuple(ignored), 1.0, stretched=False)
    return Looked(scene, SIZE, sorted(detections_, key=lambda one: -one.score))


CAT, DOG = (10, 10, 60, 60), (100, 20, 160, 80)


def test_average_precision_is_1_for_what_is_right_and_0_for_what_is_missed():
    table = detections.average_precision(
        [looked([("cat", CAT, True), ("dog", DOG, True)], found("cat", 0.9, CAT))], CLASSES, "segm"
    )
    assert {name: round(row["AP50"], 2) for name, row in table.items()} == {"all": 0.5, "cat": 1, "dog": 0}
    assert table["cat"]["AP medium"] == pytest.approx(1)
    assert np.isnan(table["cat"]["AP small"])


def test_objects_without_a_mask_count_for_boxes_only():
    photo = looked([("cat", CAT, False), ("dog", DOG, True)], found("dog", 0.9, DOG))
    assert detections.average_precision([photo], CLASSES, "bbox")["cat"]["AP"] == 0
    assert "cat" not in detections.average_precision([photo], CLASSES, "segm")


def test_what_is_not_labelled_counts_neither_way():
    elsewhere = (170, 5, 195, 60)
    photo = looked(
        [("cat", CAT, True)],
        found("cat", 0.9, CAT),
        found("dog", 0.8, DOG),  # dogs are not labelled here
        found("cow", 0.7, elsewhere),  # in a crowd
        complete=("__background__", "cat", "cow"),
        ignored=[(165.0, 0.0, 200.0, 70.0)],
    )
    assert [one.name for one in detections.judged(photo, CLASSES)] == ["cat"]
    assert detections.confusion([photo], CLASSES, 0.5) == {("cat", "cat"): 1}


def test_objects_are_matched_by_name_first():
    photo = looked(
        [("cat", CAT, True), ("dog", DOG, True)],
        found("dog", 0.95, CAT),  # the cat, called a dog as well
        found("cat", 0.9, CAT),
        found("cow", 0.8, DOG),
        found("cow", 0.7, (170, 5, 195, 60)),
        found("cow", 0.2, (1, 80, 20, 99)),  # too unsure to be served
    )
    counts = detections.confusion([photo], CLASSES, 0.5)
    assert counts == {("cat", "cat"): 1, (NOTHING, "dog"): 1, ("dog", "cow"): 1, (NOTHING, "cow"): 1}
    assert detections.precision_recall(counts, "cat") == (1, 1)
    assert detections.precision_recall(counts, "dog") == (0, 0)


def test_calibration_compares_scores_with_what_is_right():
    photo = looked([("cat", CAT, True)], found("cat", 0.95, CAT), found("cat", 0.92, DOG))
    assert detections.calibration([photo], CLASSES) == [(0.9, 1.0, 2, pytest.approx(0.935), 0.5)]


@pytest.fixture
def data(tmp_path):
    """A folder with a photo of a cat, whose outline is told roughly, and a recipe."""
    photo = sample("chelsea")
    box = (90, 20, 400, 290)
    segmentation = coded(box, photo.height, photo.width)
    segmentation["counts"] = segmentation["counts"].decode()
    (tmp_path / "cats" / "images").mkdir(parents=True)
    photo.save(tmp_path / "cats" / "images" / "cat.png")
    told = {
        "images": [{"id": 1, "file_name": "cat.png", "width": photo.width, "height": photo.height, "split": "val"}],
        "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": 17, "bbox": [90, 20, 310, 270], "segmentation": segmentation}],
    }
    (tmp_path / "cats" / "instances.json").write_text(json.dumps(told))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({"sources": {"cats": {"complete": ["cat"]}}}))
    return tmp_path


def test_two_models_side_by_side_and_the_figures_in_the_card(data, monkeypatch, capsys):
    bundled = ROOT / "model_store" / "bundled.safetensors"
    own = data / "own.safetensors"
    own.write_bytes(bundled.read_bytes())
    arguments = ["--recipe", data / "recipe.yaml", "--data", data, "--model", own, "--against", bundled]
    arguments += ["--sheet", data / "sheet.png", "--json", data / "figures.json", "--earned"]
    monkeypatch.setattr("sys.argv", ["evaluate.py", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "250")
    assert evaluate.main() == 0
    figures = json.loads((data / "figures.json").read_text())
    assert figures["own"] == figures["bundled"]
    cat = figures["own"]["cat"]
    assert cat["earned"]
    assert cat["photos"] == cat["found"] == 1
    assert 0.5 < cat["iou"] < 1
    assert (data / "sheet.png").exists()
    written = evaluate.read_card(own)
    assert written.facts["cut_outs"] == figures["own"]
    assert written.classes == evaluate.read_card(bundled).classes
    assert {*written.classes[1:]} - {*written.unlisted} == {"cat"}
    told = capsys.readouterr().out
    assert "own, box AP50" in told
    assert "'dog' was not earned" in " ".join(told.split())


def test_the_figures_are_written_without_unlisting_a_class_and_bf16_is_compared(data, monkeypatch, capsys):
    own = data / "own.safetensors"
    own.write_bytes((ROOT / "model_store" / "bundled.safetensors").read_bytes())
    arguments = ["--recipe", data / "recipe.yaml", "--data", data, "--model", own]
    monkeypatch.setattr("sys.argv", ["evaluate.py", *map(str, arguments), "--write"])
    assert evaluate.main() == 0
    before, after = (evaluate.read_card(path) for path in (ROOT / "model_store" / "bundled.safetensors", own))
    assert {*after.facts["cut_outs"]} == {"cat"}
    assert after.unlisted == before.unlisted
    options = ["--bf16", "--folders", "cats", "--json", data / "figures.json"]
    monkeypatch.setattr("sys.argv", ["evaluate.py", *map(str, [*arguments, *options])])
    monkeypatch.setattr(evaluate.console, "width", 250)
    assert evaluate.main() == 0
    assert "own bf16, box AP50" in capsys.readouterr().out
    exact, rough = json.loads((data / "figures.json").read_text()).values()
    assert rough["cat"]["iou"] == pytest.approx(exact["cat"]["iou"], abs=0.05)
    monkeypatch.setattr("sys.argv", ["evaluate.py", *map(str, arguments), "--write", "--folders", "cats"])
    with pytest.raises(SystemExit):
        evaluate.main()


def test_objects_of_unknown_masks_have_no_cut_outs(data, monkeypatch):
    content = json.loads((data / "cats" / "instances.json").read_text())
    content["annotations"][0]["segmentation"] = None
    (data / "cats" / "instances.json").write_text(json.dumps(content))
    arguments = ["--recipe", data / "recipe.yaml", "--data", data, "--json", data / "figures.json"]
    monkeypatch.setattr("sys.argv", ["evaluate.py", *map(str, arguments)])
    assert evaluate.main() == 0
    assert json.loads((data / "figures.json").read_text()) == {"bundled": {}}


def test_a_folder_without_photos_is_an_error(data, monkeypatch, capsys):
    arguments = ["--recipe", str(data / "recipe.yaml"), "--data", str(data), "--split", "test"]
    monkeypatch.setattr("sys.argv", ["evaluate.py", *arguments])
    with pytest.raises(SystemExit):
        evaluate.main()
    assert "there are no test photos" in capsys.readouterr().err
