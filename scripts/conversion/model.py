"""From a file that somebody trained to a model of ours: everything is checked before anything is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conversion import classes, layouts, statedict
from objectcut.network.card import Card, ModelError
from objectcut.request.labels import Labels

Passed = Callable[[str, str], None]
"""Is told each check that was passed: its name, and what was found."""


@dataclass(frozen=True)
class Wanted:
    """What a checkpoint does not say of itself.

    Attributes:
        name: how `/labels` and replies will call the model; None for that of the file.
        classes: names in the order of the training; empty where the checkpoint or COCO has them.
        backbone: `msra` or `torchvision`, see `layouts.recognised`; None for the usual one.
        sides: of the input: the shorter side, and the bound on the longer one, px; None for the usual ones.
        facts: for the card: licence, what it was trained on.
    """

    name: str | None = None
    classes: Sequence[str] = ()
    backbone: str | None = None
    sides: tuple[int, int] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def unheard(_check: str, _found: str) -> None:
    """Tell nobody."""


def model(path: Path, wanted: Wanted, passed: Passed = unheard) -> tuple[layouts.Weights, Card, str]:
    """Return the weights of a file with a card, and which program it came from.

    Args:
        path: a model file of ours, or a checkpoint.
        wanted: what the file does not say; of a model file of ours it changes name, classes and facts.
        passed: is told of `weights`, `architecture` and `classes`.

    Raises:
        ModelError: it cannot be used; the message says why.
        MemoryError: it needs more than there is.
    """
    try:
        return _checked(path, wanted, passed)
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # of a file that somebody else made: whatever its reader stumbles over
        raise ModelError(f"{path.name} is no model that can be read, or it is damaged") from error


def _checked(path: Path, wanted: Wanted, passed: Passed) -> tuple[layouts.Weights, Card, str]:
    held = statedict.read(path)
    passed("weights", f"{sum(tensor.numel() for tensor in held.weights.values()) / 1e6:.1f} M numbers, all finite")
    if held.card is not None:
        weights, card, origin = layouts.fitting(held.weights, held.card), held.card, "ObjectCut"
        names: Sequence[str] = wanted.classes or card.classes
    else:
        found = layouts.recognised(held.weights, wanted.backbone)
        weights, card, origin = found.weights, replace(found.card, name=_name(path)), found.origin
        names = wanted.classes or held.names
    passed("architecture", f"{card.architecture}, from {origin}")
    named = classes.named(names, len(card.classes))
    card = replace(card, name=wanted.name or card.name, classes=named, facts={**card.facts, **wanted.facts})
    if wanted.classes:
        card = replace(card, unlisted=())
    if wanted.sides is not None:
        card = replace(card, min_size=wanted.sides[0], max_size=wanted.sides[1])
    card = card.checked()
    passed("classes", ", ".join(Labels.of(card.classes, card.unlisted).names))
    return weights, card, origin


def _name(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.")[:64] or "model"
