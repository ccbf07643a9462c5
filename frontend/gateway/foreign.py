"""What the doors for other services' programs share: how fields are read, and how a cut of ours is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from objectcut.request import parse
from objectcut.request.parse import CutRequest
from objectcut.request.sniff import Body
from objectcut.settings import Settings


def options_of(sent: Mapping[str, Any], pictures: Iterable[str]) -> dict[str, Any]:
    """Return the fields that hold no picture, as text but for lists. One that is empty is one that was left alone."""
    texts = {name: _text(value) for name, value in sent.items() if name not in pictures}
    return {name: value for name, value in texts.items() if value not in ("", None)}


def lowered(value: object) -> object:
    """Return a word as it is compared."""
    return value.strip().lower() if isinstance(value, str) else value


def text_of(sent: Mapping[str, Any], field: str) -> str:
    """Return the text in a field, empty where there is none."""
    return str(_text(sent.get(field)) or "").strip()


def as_cut(ours: Mapping[str, Any], kind: Body, settings: Settings) -> CutRequest:
    """Return the request that our own fields make.

    Args:
        ours: fields of `/cut`, bytes where they hold a picture, else text.
        kind: of the body in which they came.
        settings: the limits.

    Raises:
        CutError: `invalid_request`, naming a field of ours.
    """
    if kind == "json":
        return parse.from_json(ours, "cut", settings)
    return parse.from_form(ours, "cut", settings, urlencoded=kind == "urlencoded")


def message_of(error: Mapping[str, Any]) -> str:
    """Return the message of an error of ours. A field that it recommends is one of `/cut`, and of no other service."""
    message = str(error["message"])
    for field in error["details"].get("possible", ()):
        message = message.replace(f"'{field}'", f"'{field}' to POST /cut")
    return message


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value
