"""What is known of a model: the card that every model file carries in its metadata.

A model file is one safetensors file whose metadata key `card` holds JSON. Reading the card needs no torch.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

BUNDLED = "objectcut-bundled"
"""The name of the small model that comes with the repository."""


_LONGEST = 1_000_000  # characters of a card: those of 1,000 classes with their figures have a tenth of it
_LARGEST_INPUT = 2048  # px; memory grows with its square
_NEEDED = ("name", "architecture", "classes", "min_size", "max_size", "mean", "std")


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
        if len(text) > _LONGEST:
            raise ModelError(f"the model's card is too long: {len(text)} characters; at most {_LONGEST} are read")
        try:
            values = json.loads(text, parse_constant=_no_number)
            known = {name: values.pop(name) for name in (f.name for f in fields(cls)) if name in values}
            missing = next((name for name in _NEEDED if name not in known), None)
            if missing:
                raise ValueError(f"'{missing}' is missing")
            for name in ("classes", "mean", "std", *({"unlisted"} & known.keys())):
                if not isinstance(known[name], list):
                    raise ValueError(f"'{name}' must be a list")
                known[name] = tuple(known[name])
            return cls(**{**known, "facts": values}).checked()
        except ValueError as error:
            raise ModelError(f"the model's card is not complete: {error}") from error
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelError("the model's card is not complete: it must be one flat JSON object") from error

    def checked(self) -> Card:
        """Return the card itself.

        Raises:
            ModelError: a value is of the wrong kind.
        """
        try:
            self._check()
        except ValueError as error:
            raise ModelError(f"the model's card is not right: {error}") from error
        return self

    def _check(self) -> None:
        """Raise ValueError for a value that would only fail later, in a worker or in a header."""
        if not isinstance(self.name, str) or not re.fullmatch(r"[\x21-\x7e]{1,64}", self.name):
            raise ValueError("'name' must be up to 64 ASCII characters without spaces")
        if not isinstance(self.architecture, str):
            raise ValueError("'architecture' must be a text")
        if not all(type(size) is int and 0 < size <= _LARGEST_INPUT for size in (self.min_size, self.max_size)):
            raise ValueError(f"'min_size' and 'max_size' must be whole numbers from 1 to {_LARGEST_INPUT}")
        if not all(_are_numbers(three) for three in (self.mean, self.std)) or not all(each > 0 for each in self.std):
            raise ValueError("'mean' and 'std' must have three numbers each, those of 'std' above 0")
        if not all(isinstance(name, str) for name in (*self.classes, *self.unlisted)):
            raise ValueError("'classes' and 'unlisted' must hold names")
        try:
            json.dumps(dict(self.facts), allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, TypeError, RecursionError):
            raise ValueError("it holds what JSON does not") from None
        if len(self.classes) < 2:
            raise ValueError("'classes' must name the background and at least one class")
        if not {*self.unlisted} < {*self.classes[1:]}:
            raise ValueError("'unlisted' must name some of the classes, but not all")

    def as_dict(self) -> dict[str, Any]:
        """Return the card as JSON holds it, `facts` beside the other fields."""
        values: dict[str, Any] = asdict(self)
        facts: dict[str, Any] = values.pop("facts")
        return values | facts


def _are_numbers(values: tuple[float, ...]) -> bool:
    return len(values) == 3 and all(type(each) in {int, float} and math.isfinite(each) for each in values)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


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
