"""From the words people type to the classes a model knows.

Owns plurals, synonyms and suggestions; the words themselves are in `names.yaml`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from objectcut.errors import CutError

EVERYTHING = frozenset({"*", "all", "everything", "every object", "anything"})
"""Words that ask for every class, as an empty list does."""

_NO_CLASS = frozenset({"__background__", "N/A"})  # torchvision's placeholders in COCO's list of 91


@cache
def _known_names() -> Mapping[str, tuple[str, ...]]:
    """Class name to the other words for it, irregular plural first, as `names.yaml` has them."""
    entries = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text("utf-8"))
    return {
        name: (*([entry["plural"]] if "plural" in entry else []), *entry.get("synonyms", []))
        for name, entry in entries.items()
    }


def _plural(word: str) -> str:
    """The regular English plural of the last word."""
    if word.endswith(("s", "sh", "ch", "x", "z")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def _normal(word: str) -> str:
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())


@dataclass(frozen=True)
class Labels:
    """The classes of one model and the words that mean them.

    Attributes:
        classes: class names in label order; index 0 is the background, COCO's gaps are `N/A`.
        words: normalised word to label.
    """

    classes: tuple[str, ...]
    words: Mapping[str, int]

    @classmethod
    def of(cls, classes: Sequence[str]) -> Labels:
        """Labels for class names in label order, background first."""
        words: dict[str, int] = {}
        for label, name in enumerate(classes):
            if name not in _NO_CLASS:
                others = _known_names().get(name, ())
                for word in (name, *others, *map(_plural, (name, *others))):
                    words.setdefault(_normal(word), label)
        # A class's own name wins over another class's synonym.
        words.update({_normal(name): label for label, name in enumerate(classes) if name not in _NO_CLASS})
        return cls(tuple(classes), words)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that can be asked for, without placeholders."""
        return tuple(name for name in self.classes if name not in _NO_CLASS)

    def synonyms(self) -> dict[str, list[str]]:
        """Class name to the other words for it, regular plurals left out."""
        return {name: list(_known_names().get(name, ())) for name in self.names}

    def resolve(self, names: Iterable[str]) -> frozenset[int] | None:
        """The labels that the names mean, or None for every class.

        Raises:
            CutError: `unknown_object`, with the nearest known names.
        """
        wanted = [_normal(name) for name in names]
        if not wanted or EVERYTHING.intersection(wanted):
            return None
        for word in wanted:
            if word not in self.words:
                raise self._unknown(word)
        return frozenset(self.words[word] for word in wanted)

    def _unknown(self, word: str) -> CutError:
        elsewhere = word in Labels.of(tuple(_known_names())).words
        close = [] if elsewhere else difflib.get_close_matches(word, self.words, n=6, cutoff=0.6)
        suggestions = list(dict.fromkeys(self.classes[self.words[match]] for match in close))[:3]
        if elsewhere:
            message = f"The model that runs here does not know '{word}'; /labels lists what it knows."
        elif suggestions:
            message = f"No class is called '{word}'. Did you mean {' or '.join(repr(s) for s in suggestions)}?"
        else:
            message = f"No class is called '{word}'; /labels lists the names that are known."
        return CutError("unknown_object", message, details={"name": word, "suggestions": suggestions})
