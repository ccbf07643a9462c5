"""The options of `/cut` on a command line, under the server's own names: made of the options' own definitions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from objectcut.request.options import CutOptions, DetectOptions
from objectcut.request.picturefield import BACKDROP

_LEFT_OUT = {"model", "return_white_bg"}  # the programs' own `--model`, and `--background white`
_CHOICE = {*DetectOptions.model_fields, "invert", "pick", "point", "roi"}
_METAVARS = {"box": "X0,Y0,X1,Y1", "roi": "X0,Y0,X1,Y1", "point": "X,Y", "objects": "NAME,NAME"}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add them, in two groups."""
    choice = parser.add_argument_group("what to cut out")
    picture = parser.add_argument_group("the picture")
    for name, field in CutOptions.model_fields.items():
        if name not in _LEFT_OUT:
            group = choice if name in _CHOICE else picture
            group.add_argument(_flag(name), help=_help(field), **_kind(name, field))
    picture.add_argument(_flag(BACKDROP), type=Path, metavar="FILE", help="a picture to put behind the cut-out")


def given(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the fields of `/cut` that were given, as text, but for the picture behind."""
    fields = {name: getattr(arguments, name) for name in CutOptions.model_fields if name not in _LEFT_OUT}
    return {name: "true" if value is True else str(value) for name, value in fields.items() if value}


def backdrop(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> bytes | None:
    """Return the encoded picture behind the cut-outs; end the program where it cannot be read."""
    file: Path | None = arguments.background_image
    try:
        return file.read_bytes() if file else None
    except OSError as error:
        parser.error(f"--background-image: {file}: {error.strerror or error}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _help(field: FieldInfo) -> str:
    text = (field.description or "").replace("`", "").replace("%", "%%")
    usual = field.default
    return text if usual in (None, False, "", ()) else f"{text} (default: {str(usual).replace('%', '%%')})"


def _kind(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return how argparse reads a field; the ranges of numbers are the server's matter."""
    if field.annotation is bool:
        return {"action": "store_true"}
    words = _words(field.annotation)
    if words and name != "pick":
        return {"choices": words}
    return {"metavar": _METAVARS.get(name, name.upper())}


def _words(annotation: object) -> tuple[str, ...]:
    """Return the words of a `Literal`, one of several types perhaps."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(word for part in get_args(annotation) for word in _words(part))
