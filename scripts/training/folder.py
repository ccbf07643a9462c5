"""Reads a folder of labelled photos, whichever of the usual programs wrote it, as COCO's format.

- COCO: one JSON file, called `instances.json`, as labelling programs call it, or the only one in the folder. Photos lie
  beside it or in `images/`.
- YOLO: `data.yaml` with the names, and for each photo in a folder `images` a text file in `labels`: a class and a
  polygon in each line, relative to the photo's sides; or a class and a box, whose mask is unknown then.
- labelme: a JSON file beside each photo, with polygons and rectangles.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, UnidentifiedImageError

_COCO = ("instances.json", "_annotations.coco.json", "annotations/instances_default.json", "result.json")
"""Ours, and as Roboflow, CVAT and Label Studio name it."""
_PHOTOS = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp"))
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "val"}
Content = dict[str, Any]


class FolderError(Exception):
    """A folder that holds no labelled photos; the message says what was looked for."""


def content(folder: Path, held_out: float = 0.0) -> Content:
    """Return what is labelled in a folder, in COCO's format; `path` of an image is where it is.

    Args:
        folder: of one of the kinds above.
        held_out: share of the photos that become `val` where the folder does not say which do. The same photos each
            time, by their names.

    Raises:
        FolderError: it holds nothing of the kind, or something that cannot be read.
    """
    try:
        told = _read(folder)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        yaml.YAMLError,
        UnidentifiedImageError,
    ) as error:
        raise FolderError(f"the labels in {folder} cannot be read: {type(error).__name__}: {error}") from error
    for image in told["images"]:
        image.setdefault("split", "val" if _lot(image["file_name"]) < held_out else "train")
    return told


def _read(folder: Path) -> Content:
    file = _coco_file(folder)
    if file is not None:
        return located(json.loads(file.read_text("utf-8")), file.parent, folder)
    if (folder / "data.yaml").is_file():
        return _yolo(folder)
    shapes = [path for path in sorted(folder.rglob("*.json")) if "shapes" in json.loads(path.read_text("utf-8"))]
    if shapes:
        return _labelme(shapes)
    raise FolderError(
        f"{folder} holds no labels: instances.json or another file of COCO's format, YOLO's data.yaml, labelme's JSON"
    )


def located(told: Content, *places: Path) -> Content:
    """Return COCO's format with the `path` of each image, which lies in one of the places or their `images/`."""
    for image in told["images"]:
        candidates = [place / part / image["file_name"] for place in places for part in ("images", "")]
        image["path"] = next((path for path in candidates if path.is_file()), candidates[0])
    return told


def _coco_file(folder: Path) -> Path | None:
    for name in _COCO:
        if (folder / name).is_file():
            return folder / name
    files = list(folder.glob("*.json"))
    return files[0] if len(files) == 1 and "annotations" in json.loads(files[0].read_text("utf-8")) else None


def _yolo(folder: Path) -> Content:
    names = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))["names"]
    by_number: Mapping[int, str] = dict(names if isinstance(names, dict) else enumerate(names))
    told: Content = {"images": [], "annotations": [], "categories": _categories(by_number)}
    for labels in sorted(path for path in folder.rglob("labels") if path.is_dir()):
        for file in sorted(labels.rglob("*.txt")):
            stem = labels.with_name("images") / file.relative_to(labels).with_suffix("")
            photo = next((path for suffix in _PHOTOS if (path := stem.with_suffix(suffix)).is_file()), None)
            if photo is None:
                raise ValueError(f"{file.relative_to(folder)} belongs to no photo in {stem.parent}")
            width, height = _size(photo)
            rows = [line.split() for line in file.read_text("utf-8").splitlines() if line.strip()]
            things = (_of_yolo(row, width, height, file) for row in rows)
            _add(told, photo, (width, height), _split(photo.relative_to(folder)), things)
    if not told["images"]:
        raise FolderError(
            f"no photo in {folder} is labelled: there is no text file in a folder `labels` beside `images`"
        )
    return told


def _of_yolo(row: list[str], width: int, height: int, file: Path) -> tuple[int, Any]:
    numbers = [float(word) for word in row[1:]]
    if len(numbers) == 4:
        x, y, w, h = numbers
        return int(row[0]), ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(f"{file.name} has a line of {len(row)} words: a class and a box or at least three points")
    return int(row[0]), [number * (height if place % 2 else width) for place, number in enumerate(numbers)]


def _labelme(files: Iterable[Path]) -> Content:
    read = [(path, json.loads(path.read_text("utf-8"))) for path in files]
    names = sorted({shape["label"] for _, each in read for shape in each["shapes"]})
    numbers = {name: number for number, name in enumerate(names, 1)}
    told: Content = {
        "images": [],
        "annotations": [],
        "categories": _categories({n: name for name, n in numbers.items()}),
    }
    for path, each in read:
        photo = path.with_name(Path(each["imagePath"].replace("\\", "/")).name)
        things = ((numbers[shape["label"]], _of_labelme(shape, path)) for shape in each["shapes"])
        _add(told, photo, (int(each["imageWidth"]), int(each["imageHeight"])), None, things)
    return told


def _of_labelme(shape: Mapping[str, Any], file: Path) -> Any:
    kind, points = shape.get("shape_type", "polygon"), [float(value) for point in shape["points"] for value in point]
    if kind == "rectangle":
        x0, x1 = sorted(points[0::2])
        y0, y1 = sorted(points[1::2])
        return x0, y0, x1 - x0, y1 - y0
    if kind != "polygon" or len(points) < 6:
        raise ValueError(f"{file.name} has a shape '{kind}'; polygons and rectangles can be learnt from")
    return points


def _add(
    told: Content, photo: Path, size: tuple[int, int], split: str | None, things: Iterable[tuple[int, Any]]
) -> None:
    """Add a photo with its things: number of the class, and a polygon (list) or a box (tuple) without a mask."""
    number = len(told["images"]) + 1
    image = {"id": number, "file_name": photo.name, "path": photo, "width": size[0], "height": size[1]}
    told["images"].append(image | ({"split": split} if split else {}))
    for category, shape in things:
        polygon = isinstance(shape, list)
        told["annotations"].append(
            {
                "id": len(told["annotations"]) + 1,
                "image_id": number,
                "category_id": category,
                "bbox": _around(shape) if polygon else list(shape),
                "segmentation": [shape] if polygon else None,
                "iscrowd": 0,
            }
        )


def _around(polygon: list[float]) -> list[float]:
    x, y = polygon[0::2], polygon[1::2]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def _categories(names: Mapping[int, str]) -> list[dict[str, Any]]:
    return [{"id": number, "name": name} for number, name in names.items()]


def _split(photo: Path) -> str | None:
    """Return which part a photo belongs to, by the folders that it lies in."""
    return next((_SPLITS[part] for part in photo.parts if part in _SPLITS), None)


def _size(photo: Path) -> tuple[int, int]:
    with Image.open(photo) as image:
        size: tuple[int, int] = image.size
    return size


def _lot(name: str) -> float:
    """Return a number from 0 to 1 that follows from a name."""
    return zlib.crc32(name.encode()) / 2**32
