"""Folders of labelled photos as the usual programs write them: the same objects, whichever it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.folder import FolderError, content
from training.scenes import Source, read

CLASSES = ("__background__", "mug", "spoon")
SIZE = (80, 60)
MUG = [10, 5, 50, 5, 50, 45, 10, 45]  # px, x and y in turn
SPOON = (60, 10, 10, 30)  # a box without a mask: x, y, width, height


def photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, "grey").save(path)


def coco(path: Path, name: str) -> None:
    things = [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 5, 40, 40], "segmentation": [MUG], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 9, "bbox": list(SPOON), "segmentation": None, "iscrowd": 0},
    ]
    image = {"id": 7, "file_name": name, "width": SIZE[0], "height": SIZE[1]}
    categories = [{"id": 3, "name": "mug"}, {"id": 9, "name": "spoon"}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": [image], "annotations": things, "categories": categories}))


def ours(folder: Path) -> None:
    photo(folder / "images" / "a.png")
    coco(folder / "instances.json", "a.png")


def roboflow(folder: Path) -> None:
    photo(folder / "a.png")
    coco(folder / "_annotations.coco.json", "a.png")


def cvat(folder: Path) -> None:
    photo(folder / "images" / "a.png")
    coco(folder / "annotations" / "instances_default.json", "a.png")


def some_other(folder: Path) -> None:
    photo(folder / "photos" / "a.png")
    coco(folder / "export-3.json", "photos/a.png")


def yolo(folder: Path) -> None:
    photo(folder / "images" / "train" / "a.png")
    points = " ".join(str(value / SIZE[place % 2]) for place, value in enumerate(MUG))
    x, y, w, h = SPOON
    box = f"{(x + w / 2) / SIZE[0]} {(y + h / 2) / SIZE[1]} {w / SIZE[0]} {h / SIZE[1]}"
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "labels" / "train" / "a.txt").write_text(f"0 {points}\n1 {box}\n\n")
    (folder / "data.yaml").write_text("names: [mug, spoon]\n")


def yolo_of_roboflow(folder: Path) -> None:
    yolo(folder)
    (folder / "train").mkdir()
    for part in ("images", "labels"):
        (folder / part / "train").rename(folder / "train" / part)
    (folder / "data.yaml").write_text("names:\n  0: mug\n  1: spoon\n")


def labelme(folder: Path) -> None:
    photo(folder / "a.png")
    x, y, w, h = SPOON
    shapes = [
        {"label": "mug", "shape_type": "polygon", "points": [MUG[i : i + 2] for i in range(0, 8, 2)]},
        {"label": "spoon", "shape_type": "rectangle", "points": [[x + w, y], [x, y + h]]},
    ]
    told = {"imagePath": "C:\\photos\\a.png", "imageWidth": SIZE[0], "imageHeight": SIZE[1], "shapes": shapes}
    (folder / "a.json").write_text(json.dumps(told))


@pytest.mark.parametrize("write", [ours, roboflow, cvat, some_other, yolo, yolo_of_roboflow, labelme])
def test_the_same_objects_are_read(write, tmp_path: Path):
    write(tmp_path)
    (scene,) = read(Source(tmp_path), "train", CLASSES)
    assert scene.pixels().size == SIZE
    assert scene.complete.all()
    mug, spoon = scene.things
    assert (mug.label, spoon.label) == (1, 2)
    np.testing.assert_allclose(mug.box, (10, 5, 50, 45), atol=1e-6)
    np.testing.assert_allclose(spoon.box, (60, 10, 70, 40), atol=1e-6)
    mask = mug.mask(SIZE[1], SIZE[0])
    assert mask is not None
    assert abs(int(mask.sum()) - 40 * 40) <= 2 * 80  # a row and a column more or less
    assert spoon.mask(SIZE[1], SIZE[0]) is None


def test_parts_of_yolo_are_kept_apart(tmp_path: Path):
    yolo(tmp_path)
    photo(tmp_path / "images" / "val" / "b.jpg")
    (tmp_path / "labels" / "val").mkdir()
    (tmp_path / "labels" / "val" / "b.txt").write_text("")
    assert [scene.path.name for scene in read(Source(tmp_path), "val", CLASSES)] == ["b.jpg"]
    assert [scene.path.name for scene in read(Source(tmp_path), "train", CLASSES)] == ["a.png"]


def test_some_photos_can_be_held_out_and_are_the_same_each_time(tmp_path: Path):
    for number in range(200):
        photo(tmp_path / f"{number}.png")
        told = {"imagePath": f"{number}.png", "imageWidth": 80, "imageHeight": 60, "shapes": []}
        (tmp_path / f"{number}.json").write_text(json.dumps(told))
    source = Source(tmp_path, held_out=0.25)
    val = [scene.path.name for scene in read(source, "val", CLASSES)]
    assert 30 <= len(val) <= 70
    assert val == [scene.path.name for scene in read(source, "val", CLASSES)]
    assert len(val) + len(read(source, "train", CLASSES)) == 200
    assert read(Source(tmp_path), "val", CLASSES) == []


def no_names(folder: Path) -> None:
    yolo(folder)
    (folder / "data.yaml").write_text("nc: 2\n")


def no_photo(folder: Path) -> None:
    yolo(folder)
    (folder / "images" / "train" / "a.png").unlink()


def two_points(folder: Path) -> None:
    yolo(folder)
    (folder / "labels" / "train" / "a.txt").write_text("0 0.1 0.2 0.3\n")


def circle(folder: Path) -> None:
    labelme(folder)
    told = (folder / "a.json").read_text()
    (folder / "a.json").write_text(told.replace('"polygon"', '"circle"'))


def damaged(folder: Path) -> None:
    (folder / "instances.json").write_text("{")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda _: None, "holds no labels: instances.json or another file of COCO"),
        (no_names, "cannot be read: KeyError: 'names'"),
        (no_photo, "labels/train/a.txt belongs to no photo"),
        (two_points, "a.txt has a line of 4 words"),
        (circle, "a.json has a shape 'circle'"),
        (damaged, "cannot be read: JSONDecodeError"),
    ],
)
def test_what_cannot_be_learnt_from_is_told(write, reason: str, tmp_path: Path):
    write(tmp_path)
    with pytest.raises(FolderError, match=reason):
        content(tmp_path)
