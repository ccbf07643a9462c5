"""From a file that somebody trained to a model of ours: everything is checked before anything is used."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conversion import classes, layouts, statedict
from objectcut.network.card import Card, ModelError, read_card


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


def model(path: Path, wanted: Wanted) -> tuple[layouts.Weights, Card, str]:
    """Return the weights of a file with a card, and which program it came from.

    Args:
        path: a model file of ours, or a checkpoint.
        wanted: what the file does not say; of a model file of ours it changes name, classes and facts.

    Raises:
        ModelError: it cannot be used; the message says why.
    """
    held = statedict.read(path)
    own = _card(path)
    found = layouts.recognised(held.weights, wanted.backbone)
    card, origin = found.card, found.origin
    rows = len(card.classes)
    if own is not None:
        if (own.architecture, len(own.classes)) != (card.architecture, rows):
            raise ModelError(
                f"the card in {path.name} says {own.architecture} with {len(own.classes)} classes, the weights are "
                f"those of {card.architecture} with {rows}"
            )
        card, origin = own, "ObjectCut"
    named = card.classes if own is not None and not wanted.classes else wanted.classes or held.names
    card = replace(card, classes=classes.named(named, rows), facts={**card.facts, **wanted.facts})
    if wanted.classes:
        card = replace(card, unlisted=())
    if wanted.sides is not None:
        card = replace(card, min_size=wanted.sides[0], max_size=wanted.sides[1])
    name = wanted.name or (own.name if own is not None else _name(path))
    return found.weights, replace(card, name=name).checked(), origin


def _card(path: Path) -> Card | None:
    """Return the card of a model file of ours; None of any other."""
    try:
        return read_card(path)
    except ModelError as error:
        if "holds no card" in str(error) or "not a safetensors file" in str(error):
            return None
        raise


def _name(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.")[:64] or "model"
