"""From JSON, a form or a raw body to one checked `CutRequest`.

Owns the fields that hold pictures. Leaves the download of a URL to `photo.fetch` and its decoding to `photo.decode`, so
that the gateway can check a request without torch and without opening a picture.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from objectcut.errors import CutError, wrong_field
from objectcut.request import jsonbody
from objectcut.request.options import CutOptions, DetectOptions, Task
from objectcut.request.picturefield import (
    BACKDROP,
    check_length,
    check_place,
    decode_base64,
    holds,
    is_base64,
    misplaced,
)
from objectcut.request.sniff import body_kind, image_kind
from objectcut.settings import Settings

PHOTO_FIELDS = ("image_url", "image_base64", "image_file")
QUERY_IS_FOR_PHOTOS = "With a form or JSON, the options belong in the body, not in the query string."
# Pydantic's kinds of error in words for people; all its other texts read 'Input should be ...'.
_PLAIN = {
    "tuple_type": "must be a list",
    "missing": "has too few numbers",
    "too_long": "has too many numbers",
    "string_too_long": "has more than 100 characters in one value",
}
Validated = TypeVar("Validated", bound=BaseModel)
_MODELS: dict[Task, type[DetectOptions]] = {"cut": CutOptions, "detect": DetectOptions}


@dataclass(frozen=True)
class CutRequest:
    """One photo and what is wanted of it. Exactly one of `photo` and `url` is there.

    Attributes:
        task: the picture, or the list of what is in it.
        photo: the encoded photo as it was sent.
        url: where the photo is to be fetched.
        options: the checked options; a `DetectOptions` holds the defaults of everything else.
        backdrop: the encoded picture to put behind the cut-out, as it was sent.
        bare: whether the photo was the body itself, which is answered by a picture.
    """

    task: Task
    photo: bytes | None
    url: str | None
    options: CutOptions
    backdrop: bytes | None = None
    bare: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of its pictures, as they were sent."""
        return len(self.photo or b"") + len(self.backdrop or b"")

    def form(self) -> dict[str, str]:
        """Return the options that differ from their defaults, as text fields that `from_form` reads back."""
        changed = self.options.model_dump(exclude_defaults=True)
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in changed.items()
        }

    def check_bytes(self, settings: Settings) -> None:
        """Bound what is decoded, however it came.

        Raises:
            CutError: `body_too_large`.
        """
        if self.nbytes > settings.max_body_bytes:
            what = "The photo has" if not self.backdrop else f"The photo and '{BACKDROP}' together have"
            raise CutError(
                "body_too_large",
                f"{what} {self.nbytes:,} bytes; at most {settings.max_body_bytes:,} are accepted.",
                details={"bytes": self.nbytes, "max_bytes": settings.max_body_bytes},
            )


def from_json(body: bytes | bytearray | Mapping[str, Any], task: Task, settings: Settings) -> CutRequest:
    """Return a request from a JSON body, as bytes or already parsed.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    if isinstance(body, bytes | bytearray):
        if not body or body.isspace():
            raise CutError("invalid_request", "The body is empty. Send a photo, a form or JSON with 'image_url'.")
        fields = jsonbody.parsed(body)
    else:
        fields = body
    if not isinstance(fields, Mapping):
        raise CutError("invalid_request", 'The JSON body must be an object such as {"image_url": "https://..."}.')
    given = {str(name): value for name, value in fields.items() if value is not None}
    if "image_file" in given:
        raise wrong_field("image_file", "belongs in a multipart form; in JSON use 'image_base64' or 'image_url'")
    for name, value in given.items():
        check_length(name, value)
    return _build(given, task, settings)


def from_values(values: Mapping[str, Any], task: Task, settings: Settings) -> CutRequest:
    """Return a request from Python values: pictures as bytes, options as in JSON.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    return _build(values, task, settings)


def from_form(
    fields: Mapping[str, str | bytes | bytearray], task: Task, settings: Settings, urlencoded: bool = False
) -> CutRequest:
    """Return a request from the fields of a form.

    Args:
        fields: `image_file` is a file, `background_image` a file or text, everything else text, in UTF-8 where it is
            bytes.
        task: what is asked.
        settings: the limits.
        urlencoded: whether it was no multipart form: then a "+" that was not escaped has become a space.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    for name, value in fields.items():
        check_length(name, value)
    given = {name: _form_value(name, value, urlencoded) for name, value in fields.items()}
    return _build(_filled(given), task, settings)


def _form_value(name: str, value: str | bytes | bytearray, urlencoded: bool) -> str | bytes:
    """Return bytes where the field holds a file, else text."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    if name == "image_file":
        return data
    if name in {"image_base64", BACKDROP}:
        if image_kind(data):
            return data
        if urlencoded:
            data = data.lstrip(b" ").replace(b" ", b"+")
        if name == BACKDROP and not isinstance(value, str) and not is_base64(data):
            return data
        return data.decode("latin-1")  # base64 is ASCII
    return data.decode("utf-8", "replace")


def from_raw(body: bytes, query: Mapping[str, str], task: Task, settings: Settings) -> CutRequest:
    """Return a request whose body is the photo itself, with the options in the query string.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    for field in PHOTO_FIELDS:
        if field in query:
            raise wrong_field(field, "cannot be combined with a photo in the body")
    if BACKDROP in query:
        raise wrong_field(BACKDROP, "is a second picture: send both in a form or JSON, not the photo as the body")
    return replace(_build({**_filled(query), "image_file": body}, task, settings), bare=True)


def from_body(body: bytes, content_type: str, query: Mapping[str, str], task: Task, settings: Settings) -> CutRequest:
    """Return a request from a body that is no form: the photo itself or JSON, whichever its first bytes say.

    Raises:
        CutError: `invalid_request`, naming the field, or saying what the body holds instead.
    """
    kind = body_kind(body, content_type)
    if kind == "photo":
        return from_raw(body, query, task, settings)
    if query:
        raise CutError("invalid_request", QUERY_IS_FOR_PHOTOS)
    if kind == "json" or not body or body.isspace():
        return from_json(body, task, settings)
    held = holds(body)
    problem = misplaced(held) if held else "is neither"
    raise CutError("invalid_request", f"Send a form, JSON or the photo itself. The body {problem}.")


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without empty options: one that is empty in a form or a query is one that was left alone."""
    options = {*CutOptions.model_fields, BACKDROP}
    return {name: value for name, value in fields.items() if len(value) > 0 or name not in options}


def _build(fields: Mapping[str, Any], task: Task, settings: Settings) -> CutRequest:
    _check_names(fields, task)
    given = [field for field in PHOTO_FIELDS if fields.get(field)]
    if len(given) != 1:
        empty = [field for field in PHOTO_FIELDS if field in fields]
        problem = "There is no photo"
        if given:
            problem = f"Got {' and '.join(map(repr, given))}"
        elif empty:
            problem = f"'{empty[0]}' is empty"
        raise CutError(
            "invalid_request",
            f"{problem}: send exactly one of 'image_url', 'image_base64' and 'image_file'.",
            details={"fields": given},
        )
    pictures = PHOTO_FIELDS if task == "detect" else (*PHOTO_FIELDS, BACKDROP)
    options = _options({name: value for name, value in fields.items() if name not in pictures}, task)
    if len(options.objects) > settings.max_names:
        raise wrong_field("objects", f"has {len(options.objects)} names; at most {settings.max_names} are accepted")
    _check_canvas(options, settings)
    photo: bytes | None = fields.get("image_file")
    for field in given:
        check_place(field, fields[field])
    if "image_base64" in given:
        photo = _picture(fields["image_base64"], "image_base64")
    url = fields["image_url"] if "image_url" in given else None
    if url is not None and not isinstance(url, str):
        raise wrong_field("image_url", "must be a string")
    asked = CutRequest(task, photo, url, options, _backdrop(fields.get(BACKDROP), options))
    asked.check_bytes(settings)
    return asked


def _check_canvas(options: CutOptions, settings: Settings) -> None:
    width, height = options.canvas_px() or (1, 1)
    if width * height > settings.max_result_pixels:
        raise CutError(
            "image_too_large",
            f"A 'canvas' of {width} x {height} pixels is too large; at most {settings.max_result_pixels / 1e6:g} "
            "megapixels are made. Send a smaller one.",
            details={
                "field": "canvas",
                "width": width,
                "height": height,
                "max_pixels": settings.max_result_pixels,
            },
        )


def _picture(value: object, field: str) -> bytes:
    """Return a picture of a field, in base64 or as it is."""
    data = value if isinstance(value, bytes) else decode_base64(value, field)
    if not data:
        raise wrong_field(field, "is empty")
    return data


def _backdrop(value: object, options: CutOptions) -> bytes | None:
    if value is None:
        return None
    check_place(BACKDROP, value)
    data = _picture(value, BACKDROP)
    if field := options.background_field():
        raise CutError(
            "invalid_request", f"'{BACKDROP}' and '{field}' ask for different backgrounds; send one of them."
        )
    if options.output == "both":
        raise CutError("invalid_request", f"'output' is 'both', which has no background; leave '{BACKDROP}' out.")
    return data


def _check_names(fields: Iterable[str], task: Task) -> None:
    check_known(fields, [*PHOTO_FIELDS, *_MODELS[task].model_fields, *([BACKDROP] if task == "cut" else [])])


def check_known(fields: Iterable[str], known: Sequence[str]) -> None:
    """Refuse fields that a call does not have.

    Raises:
        CutError: `invalid_request`, which tells the nearest one that it has.
    """
    for name in fields:
        if name not in known:
            near = difflib.get_close_matches(name[:100].lower(), known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise wrong_field(name[:100], f"is not a field of this call.{meant}")


def _options(fields: Mapping[str, Any], task: Task) -> CutOptions:
    checked = validated(_MODELS[task], fields)
    return checked if isinstance(checked, CutOptions) else CutOptions(**checked.model_dump())


def validated(model: type[Validated], fields: Mapping[str, Any]) -> Validated:
    """Return the fields as a model has them.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        message = _PLAIN.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # a check over several fields names them itself
            raise CutError("invalid_request", f"{message}.") from None
        raise wrong_field(str(first["loc"][0]), message.replace("Input should be", "must be")) from None
