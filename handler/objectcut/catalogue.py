"""Which models a server has: a file in its run folder, written by who starts or changes it, read by the gateway.

Knows models only by their cards, so that one without a worker can be described too. Needs no torch.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from objectcut.errors import unknown_model
from objectcut.network.card import Card, ModelError
from objectcut.request.labels import Labels

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
"""What a model may be called that is added while a server runs: files are named after it."""
FIRST = "objectcut"
"""What TorchServe calls the model that a server starts with, whatever its card says."""


@dataclass(frozen=True)
class Entry:
    """One model of a server.

    Attributes:
        card: whose name requests give.
        needs: bytes of memory that a worker with it takes, roughly.
        file: its weights.
        version: 1 at first; what is added in its place has the next number.
        served_as: TorchServe's name for all versions, and that of the archive without `.mar`.
    """

    card: Card
    needs: int
    file: Path
    version: int = 1
    served_as: str = FIRST

    @property
    def path(self) -> str:
        """Where TorchServe has this version, behind `/models/` and `/predictions/`."""
        return serving_path(self.served_as, self.version)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that can be asked for."""
        return Labels.of(self.card.classes, self.card.unlisted).names


@dataclass(frozen=True)
class Catalogue:
    """The models of a server; the first one is what requests get that name none."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, models: Iterable[Entry]) -> Catalogue:
        """Return the catalogue of the models that a server starts with, each with a name for TorchServe.

        Raises:
            ModelError: two could not be told apart.
        """
        entries: list[Entry] = []
        for model in models:
            name = model.card.name
            if any(name == other.card.name for other in entries):
                raise ModelError(
                    f"two models are called '{name}'; give one another name: scripts/convert.py MODEL --name NAME"
                )
            served_as = serving_name(name, {other.served_as for other in entries}) if entries else FIRST
            entries.append(replace(model, served_as=served_as))
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
            tuple(
                Entry(Card.from_json(json.dumps(e["card"])), e["needs"], Path(e["file"]), e["version"], e["served_as"])
                for e in told["models"]
            )
        )

    def find(self, name: str = "") -> Entry | None:
        """Return a model by its name, the default without one; None where there is none of that name."""
        return next((entry for entry in self.entries if name in ("", entry.card.name)), None)

    def get(self, name: str = "") -> Entry:
        """Return a model by its name, the default without one.

        Raises:
            CutError: `unknown_model`, with those that there are.
        """
        entry = self.find(name)
        if entry is None:
            raise unknown_model(name, [each.card.name for each in self.entries])
        return entry

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        told = [{**vars(each), "card": each.card.as_dict(), "file": str(each.file)} for each in self.entries]
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"models": told}))
        part.replace(path)


def serving_name(name: str, taken: Collection[str]) -> str:
    """Return a name for TorchServe, which takes few characters, that no other model has there."""
    plain = f"{FIRST}-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
    names = (plain if number == 1 else f"{plain}-{number}" for number in itertools.count(1))
    return next(each for each in names if each not in taken)


def serving_path(served_as: str = FIRST, version: int = 1) -> str:
    """Return where TorchServe has a version of a model, behind `/models/` and `/predictions/`."""
    return f"{served_as}/{version}.0"


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
