"""The names of a model's classes, as its owner gives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from objectcut.errors import CutError
from objectcut.network.card import ModelError
from objectcut.request.labels import Labels
from objectcut.request.options import DetectOptions

_BACKGROUND = "__background__"
_LONGEST = 60  # characters of a name
_UNUSED = "N/A"  # torchvision's name for numbers that COCO never gave to a class


def from_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the names that somebody gave: themselves, or those of a file.

    Args:
        words: names; or one file: JSON in COCO's format, or text with a name in each line.

    Raises:
        ModelError: the file cannot be read.
    """
    path = Path(words[0]) if len(words) == 1 else None
    if path is None or path.suffix not in {".json", ".txt"}:
        return tuple(words)
    try:
        text = path.read_text()
        if path.suffix == ".txt":
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        categories = sorted(json.loads(text)["categories"], key=lambda category: category["id"])
        return tuple(str(category["name"]) for category in categories)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelError(f"{path} names no classes: JSON in COCO's format or lines of text do") from error


def named(names: Sequence[str], rows: int) -> tuple[str, ...]:
    """Return the names of all rows of a network's scores, the background first.

    Args:
        names: of the classes, with the background or without; none at all for COCO's.
        rows: how many there are, the background included.

    Raises:
        ModelError: too many or too few, an empty one, or two that a request could not tell apart.
    """
    given = tuple(name.strip() for name in names)
    if not given:
        given = _cocos(rows)
    if given and given[0].lower().strip("_ ") == "background":
        given = given[1:]
    if len(given) != rows - 1:
        raise ModelError(
            f"the network tells {rows - 1} classes apart, and {len(given)} names were given. Name each, in the order "
            "of its training"
        )
    for number, name in enumerate(given, 1):
        if not name or not name.isprintable() or len(name) > _LONGEST:
            raise ModelError(f"class {number} needs a name of 1 to {_LONGEST} printable characters")
    classes = (_BACKGROUND, *given)
    labels = Labels.of(classes)
    for number, name in enumerate(given, 1):
        if name != _UNUSED and not _means(name, number, labels):
            raise ModelError(
                f"class {number} cannot be asked for as '{name}': another class is called so, the word means several, "
                "or it is none. Choose another name"
            )
    return classes


def _means(name: str, label: int, labels: Labels) -> bool:
    """Return whether a request for the name gets this class and no other."""
    try:
        return labels.resolve(DetectOptions(objects=(name,)).objects) == {label}
    except (CutError, ValueError):
        return False


@cache
def _coco_names() -> tuple[str, ...]:
    return tuple(MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])


def _cocos(rows: int) -> tuple[str, ...]:
    """Return COCO's names, if it has as many classes: by its own numbers, or without those that it never gave."""
    names = _coco_names()
    short = tuple(name for name in names if name != _UNUSED)
    return next((each for each in (names, short) if len(each) == rows), ())
