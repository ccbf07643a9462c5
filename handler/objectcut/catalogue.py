"""Which models a server has: a file in its run folder, written by who starts or changes it, read by the gateway.

Knows models only by their cards, so that one without a worker can be described too. Needs no torch.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectcut.network.card import Card, ModelError
from objectcut.request.labels import Labels

FIRST = "objectcut"
"""What TorchServe calls the model that a server starts with, whatever its card says."""


@dataclass(frozen=True)
class Entry:
    """One model of a server.

    Attributes:
        card: whose name requests give.
        served_as: TorchServe's name for it, and that of its archive without `.mar`.
        needs: bytes of memory that a worker with it takes, roughly.
    """

    card: Card
    served_as: str
    needs: int

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that can be asked for."""
        return Labels.of(self.card.classes, self.card.unlisted).names


@dataclass(frozen=True)
class Catalogue:
    """The models of a server; the first one is what requests get that name none."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, models: Sequence[tuple[Card, int]]) -> Catalogue:
        """Return the catalogue of models, given as cards and the bytes that a worker needs.

        Raises:
            ModelError: two could not be told apart.
        """
        entries: list[Entry] = []
        for card, needs in models:
            served_as = serving_name(card.name, {other.served_as for other in entries}) if entries else FIRST
            if any(card.name == other.card.name for other in entries):
                raise ModelError(
                    f"two models are called '{card.name}'; give one another name: scripts/convert.py MODEL --name NAME"
                )
            entries.append(Entry(card, served_as, needs))
        return cls(tuple(entries))

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """Return the catalogue in a file.

        Raises:
            OSError: it cannot be read.
            ValueError, LookupError, ModelError: it is none.
        """
        told = json.loads(path.read_text())
        return cls(
            tuple(Entry(Card.from_json(json.dumps(e["card"])), e["served_as"], e["needs"]) for e in told["models"])
        )

    def find(self, name: str = "") -> Entry | None:
        """Return a model by its name, the default without one; None where there is none of that name."""
        return next((entry for entry in self.entries if name in ("", entry.card.name)), None)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        told = [{"card": e.card.as_dict(), "served_as": e.served_as, "needs": e.needs} for e in self.entries]
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"models": told}))
        part.replace(path)


def serving_name(name: str, taken: Collection[str]) -> str:
    """Return a name for TorchServe, which takes few characters, that no other model has there."""
    plain = f"{FIRST}-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
    names = (plain if number == 1 else f"{plain}-{number}" for number in itertools.count(1))
    return next(each for each in names if each not in taken)


def description(card: Card, device: str | None = None, dtype: str | None = None) -> dict[str, Any]:
    """Return what `/labels` tells of a model: its card and the words it knows; where it runs, if it does."""
    labels = Labels.of(card.classes, card.unlisted)
    return {
        "model": card.name,
        "device": device,
        "dtype": dtype,
        "classes": list(labels.names),
        "synonyms": labels.synonyms(),
        "names": labels.translated(),
        "card": card.as_dict(),
    }
