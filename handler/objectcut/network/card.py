"""What is known of a model: the card that every model file carries in its metadata.

A model file is one safetensors file whose metadata key `card` holds JSON. Reading the card needs no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

BUNDLED = "objectcut-bundled"
"""The name of the small model that comes with the repository."""


class ModelError(Exception):
    """A model file that cannot be used; the message is one line."""


class NoCard(ModelError):
    """Weights without a card, which are no model by themselves."""


@dataclass(frozen=True)
class Card:
    """What is known of a model.

    Attributes:
        name: how `/labels` and replies call it.
        architecture: a key of `models.ARCHITECTURES`.
        classes: class names in label order; index 0 is the background.
        min_size, max_size: the network's input, px: shorter side, and the bound on the longer one.
        mean, std: of the RGB values in [0, 1].
        facts: everything else the card says (training data, licence, figures).
        unlisted: classes that the network tells from others, but does not find well enough to be asked for.
    """

    name: str
    architecture: str
    classes: tuple[str, ...]
    min_size: int
    max_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Parse a card.

        Raises:
            ModelError: a field is missing or of the wrong kind.
        """
        try:
            values = json.loads(text)
            known = {name: values.pop(name) for name in (f.name for f in fields(cls)) if name in values}
            for name in ("classes", "mean", "std", *({"unlisted"} & known.keys())):
                known[name] = tuple(known[name])
            return cls(**{**known, "facts": values}).checked()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"the model's card is not complete: {error}") from error

    def checked(self) -> Card:
        """Return the card itself.

        Raises:
            ModelError: a value is of the wrong kind.
        """
        try:
            self._check()
        except (ValueError, TypeError) as error:
            raise ModelError(f"the model's card is not right: {error}") from error
        return self

    def _check(self) -> None:
        """Raise ValueError for a value that would only fail later, in a worker or in a header."""
        if not re.fullmatch(r"[\x21-\x7e]{1,64}", self.name):
            raise ValueError("'name' must be up to 64 ASCII characters without spaces")
        if not all(isinstance(size, int) and size > 0 for size in (self.min_size, self.max_size)):
            raise ValueError("'min_size' and 'max_size' must be whole numbers above 0")
        if len(self.mean) != 3 or len(self.std) != 3:
            raise ValueError("'mean' and 'std' must have three numbers each")
        if len(self.classes) < 2:
            raise ValueError("'classes' must name the background and at least one class")
        if not {*self.unlisted} < {*self.classes[1:]}:
            raise ValueError("'unlisted' must name some of the classes, but not all")

    def as_dict(self) -> dict[str, Any]:
        """Return the card as JSON holds it, `facts` beside the other fields."""
        values: dict[str, Any] = asdict(self)
        facts: dict[str, Any] = values.pop("facts")
        return values | facts


def read_card(path: Path) -> Card:
    """Return the card of a model file; the weights are not read.

    Raises:
        ModelError: not a model file.
    """
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing") from error
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name} is not a safetensors file, or it is damaged") from error
    if "card" not in metadata:
        raise NoCard(f"{path.name} holds no card; model_store/README.md says what a model file is")
    return Card.from_json(metadata["card"])
