"""From the words people type to the classes a model knows.

Owns how words are compared, English plurals, groups, ambiguous words, names among other words ("the cat", "a black cat
and a dog") and suggestions; the words themselves, in six languages, are in `names.yaml`.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from objectcut.errors import CutError

LANGUAGES = ("en", "es", "ca", "de", "fr", "zh")
"""Those in which the classes can be named, as `names.yaml` calls them."""

_PLACEHOLDER = "N/A"
_LONGEST_NAME = 4  # words
_MOST_WORDS = 20  # of a name as it is typed; more are no name
_NO_CLASS = frozenset({"__background__", _PLACEHOLDER})  # torchvision's in COCO's list of 91

_UNDECOMPOSED = str.maketrans({"œ": "oe", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "·": None})  # as NFKD leaves them
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True)
class _Entry:
    """The words for one thing.

    Attributes:
        usual: language to the first of its words; in English it is the entry's own name.
        words: as written, irregular English plural first, the entry's own name left out.
        english: compared forms of the English words, the entry's own name and plurals among them.
        foreign: compared forms of all others.
        classes: the classes that they mean.
    """

    usual: Mapping[str, str]
    words: tuple[str, ...]
    english: tuple[str, ...]
    foreign: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class _Names:
    """`names.yaml`, read."""

    classes: Mapping[str, _Entry]
    groups: Mapping[str, _Entry]
    ambiguous: tuple[_Entry, ...]
    everything: frozenset[str]
    beside: frozenset[str]


def group_members(group: str) -> frozenset[str]:
    """Return the classes of a group of `names.yaml`, whatever a model knows of them."""
    return frozenset(_known().groups[group].classes)


@cache
def _known() -> _Names:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # LibYAML, where it is there, reads it in 20 ms, not 120
    written = yaml.load((Path(__file__).parent / "names.yaml").read_text("utf-8"), loader)  # noqa: S506
    return _Names(
        classes={name: _entry(entry, name) for name, entry in written["classes"].items()},
        groups={name: _entry(entry, name) for name, entry in written["groups"].items()},
        ambiguous=tuple(_entry(entry) for entry in written["ambiguous"]),
        everything=frozenset(_normal(word) for words in written["everything"].values() for word in words),
        beside=frozenset(_normal(word) for words in written["beside"].values() for word in words),
    )


def _entry(written: Mapping[str, Any], name: str | None = None) -> _Entry:
    own = [] if name is None else [name]
    english = [*([written["plural"]] if "plural" in written else []), *written.get("en", [])]
    foreign = [word for language in LANGUAGES[1:] for word in written.get(language, [])]
    named = {**written, "en": own}
    german = [word.casefold().translate(_UMLAUTS) for word in written.get("de", [])]
    return _Entry(
        usual={language: named[language][0] for language in LANGUAGES if named.get(language)},
        words=tuple(dict.fromkeys([*english, *foreign])),
        english=_forms(own + english),
        foreign=tuple(map(_normal, foreign + german)),
        classes=tuple(written.get("classes", own)),
    )


def _forms(english: Sequence[str]) -> tuple[str, ...]:
    """Compared forms of English words and of their regular plurals."""
    return tuple(map(_normal, (*english, *map(_plural, english))))


def _plural(word: str) -> str:
    """Return the regular English plural of the last word."""
    if word.endswith(("s", "sh", "ch", "x", "z")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def _tidy(word: str) -> str:
    """Return a word as errors repeat it. The page finds the wrong name by it, so its accents stay."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def _normal(word: str) -> str:
    """Return a word as it is compared: without case, accents, hyphens and doubled spaces."""
    parts = unicodedata.normalize("NFKD", _tidy(word)).casefold().translate(_UNDECOMPOSED)
    return "".join(part for part in parts if not unicodedata.combining(part))


@dataclass(frozen=True)
class Meaning:
    """What a word asks for.

    Attributes:
        names: the class or the group that it means; several are the choices of an ambiguous word.
        labels: those classes.
        english: whether the word is English.
    """

    names: tuple[str, ...]
    labels: frozenset[int]
    english: bool


@lru_cache(maxsize=8)  # the gateway asks with every request, for the model that runs
def _meanings(classes: tuple[str, ...]) -> Mapping[str, Meaning]:
    """Compared form to meaning, for a model with these classes."""
    labels = {name: label for label, name in enumerate(classes) if name not in _NO_CLASS}
    known = _known()
    entries = {name: known.classes[name] for name in labels if name in known.classes}
    words: dict[str, Meaning] = {}

    def add(forms: Iterable[str], members: Iterable[str], group: str | None = None, english: bool = True) -> None:
        there = tuple(name for name in members if name in labels)
        if there:
            names = there if group is None else (group,)
            meaning = Meaning(names, frozenset(labels[name] for name in there), english)
            for form in forms:
                words.setdefault(form, meaning)

    # The first meaning stays. A class's own name comes first: a model may have a class that is called `bag`.
    for name in labels:
        add([_normal(name)], [name])
    for name in labels:
        add(_forms([name]), [name])
    for entry in known.ambiguous:
        add(entry.english, entry.classes)
        add(entry.foreign, entry.classes, english=False)
    for entry in entries.values():
        add(entry.english, entry.classes)
    for group, entry in known.groups.items():
        add(entry.english, entry.classes, group)
    for entry in entries.values():
        add(entry.foreign, entry.classes, english=False)
    for group, entry in known.groups.items():
        add(entry.foreign, entry.classes, group, english=False)
    return words


def _elsewhere() -> Mapping[str, Meaning]:
    """Compared form to meaning, for a model that knows every class of `names.yaml`."""
    return _meanings(tuple(_known().classes))


@dataclass(frozen=True)
class Labels:
    """The classes of one model and the words that mean them.

    Attributes:
        classes: class names in label order; index 0 is the background, COCO's gaps and unlisted classes are `N/A`.
        words: word, as it is compared, to its meaning.
    """

    classes: tuple[str, ...]
    words: Mapping[str, Meaning]

    @classmethod
    def of(cls, classes: Sequence[str], unlisted: Collection[str] = ()) -> Labels:
        """Labels for class names in label order, background first; the unlisted ones become placeholders."""
        listed = tuple(_PLACEHOLDER if name in unlisted else name for name in classes)
        return cls(listed, _meanings(listed))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that can be asked for, without placeholders."""
        return tuple(name for name in self.classes if name not in _NO_CLASS)

    def of_group(self, group: str) -> frozenset[int]:
        """Return the labels of a group of `names.yaml`, as far as the model has them."""
        members = group_members(group)
        return frozenset(label for label, name in enumerate(self.classes) if name in members)

    def synonyms(self) -> dict[str, list[str]]:
        """Class name to the other words for it, regular plurals left out. Ambiguous ones stand under each choice."""
        known = _known()
        return {
            name: [
                *(known.classes[name].words if name in known.classes else ()),
                *(word for entry in known.ambiguous if name in entry.classes for word in entry.words),
            ]
            for name in self.names
        }

    def translated(self) -> dict[str, dict[str, str]]:
        """Language to name to its usual word there, of classes and groups.

        A word that means something else to this model is left out.
        """
        known = _known()
        entries = {**known.groups, **known.classes}
        return {
            language: {
                name: entry.usual[language]
                for name, entry in entries.items()
                if language in entry.usual and self._means(entry.usual[language], name)
            }
            for language in LANGUAGES
        }

    def _means(self, word: str, name: str) -> bool:
        meaning = self.words.get(_normal(word))
        return meaning is not None and meaning.names == (name,)

    def resolve(self, names: Iterable[str]) -> frozenset[int]:
        """Return the labels that the names mean; no names mean every class that can be asked for.

        Raises:
            CutError: `unknown_object`, with the nearest known names, or with the choices of an ambiguous one.
        """
        wanted = {_tidy(name): _normal(name) for name in names}
        if not wanted or _known().everything.intersection(wanted.values()):
            return frozenset(label for label, name in enumerate(self.classes) if name not in _NO_CLASS)
        return frozenset().union(*(self._meant(typed, word) for typed, word in wanted.items()))

    def _meant(self, typed: str, word: str) -> frozenset[int]:
        if word in self.words or word in _elsewhere():
            return self._one(typed, word)
        names = self._among(word)
        if not names:
            raise self._unknown(typed, word)
        return frozenset().union(*(self._one(typed, name) for name in names))

    def _among(self, words: str) -> list[str]:
        """Return the names, as they are compared, of which these words consist beside articles and adjectives.

        The longest name wins: "hot dog" is no dog. None where a word is neither.
        """
        rest = words.split()
        if len(rest) > _MOST_WORDS:
            return []
        names = []
        while rest:
            lengths = range(min(len(rest), _LONGEST_NAME), 0, -1)
            starts = [" ".join(rest[:length]) for length in lengths]
            name = next((start for start in starts if start in self.words or start in _elsewhere()), "")
            if rest[0] in _known().beside and (not name or (name == rest[0] and len(rest) > 1)):
                rest = rest[1:]  # an orange cat is a cat
            elif name:
                names.append(name)
                rest = rest[len(name.split()) :]
            else:
                return []
        return names

    def _one(self, typed: str, word: str) -> frozenset[int]:
        """Return the labels of one name, of this model or another. Raises CutError."""
        meaning = self.words.get(word)
        if meaning is None:
            raise CutError(
                "unknown_object",
                f"The model that runs here does not know '{word}'; the full one does: run `make weights` once, then "
                "start the server again.",
                details={"name": typed, "suggestions": [], "reason": "other_model"},
            )
        if len(meaning.names) > 1:
            *others, last = map(repr, meaning.names)
            raise CutError(
                "unknown_object",
                f"'{typed}' can mean {', '.join(others)} or {last}: say which.",
                details={"name": typed, "suggestions": list(meaning.names), "reason": "ambiguous"},
            )
        return meaning.labels

    def _unknown(self, typed: str, word: str) -> CutError:
        name = " ".join(each for each in word.split() if each not in _known().beside)
        suggestions = self._nearest(name or word)
        if suggestions:
            message = f"No class is called '{typed}'. Did you mean {' or '.join(repr(s) for s in suggestions)}?"
        else:
            message = f"No class is called '{typed}'; /labels lists the names that are known."
        return CutError(
            "unknown_object", message, details={"name": typed, "suggestions": suggestions, "reason": "no_such_name"}
        )

    def _nearest(self, word: str) -> list[str]:
        """At most three names that may have been meant.

        A near English word wins, then a near foreign one, then a distant English one. Among five languages a distant
        match is chance.
        """
        english = [known for known, meaning in self.words.items() if meaning.english]
        foreign = [known for known, meaning in self.words.items() if not meaning.english]
        close = _close(word, english, 0.8) or _close(word, foreign, 0.8) or _close(word, english, 0.6)
        return list(dict.fromkeys(name for match in close for name in self.words[match].names))[:3]


def _close(word: str, known: Collection[str], cutoff: float) -> list[str]:
    # Six, as several of them may mean the same class.
    return difflib.get_close_matches(word, known, n=6, cutoff=cutoff)
