"""From JSON, a form or a raw body to one checked `CutRequest`.

Owns the fields of the public interface, their types and their ranges. Leaves the meaning of names to `labels`, the
download of a URL to `fetch` and the decoding of the photo to `photo`, so that the gateway can check a request
without torch and without opening a picture.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from objectcut.colour import parse_colour, rgba
from objectcut.errors import CutError, wrong_field
from objectcut.identity import LARGEST
from objectcut.picturefield import BACKDROP, check_place, decode_base64, holds, is_base64, misplaced
from objectcut.settings import Settings
from objectcut.sniff import body_kind, image_kind

PHOTO_FIELDS = ("image_url", "image_base64", "image_file")
QUERY_IS_FOR_PHOTOS = "With a form or JSON, the options belong in the body, not in the query string."
# Commas and what stands for them in Chinese, Japanese and Arabic, semicolons and line breaks.
_SEPARATORS = re.compile(
    r"[,;\n\r\N{IDEOGRAPHIC COMMA}\N{HALFWIDTH IDEOGRAPHIC COMMA}\N{FULLWIDTH COMMA}"
    r"\N{FULLWIDTH SEMICOLON}\N{ARABIC COMMA}\N{ARABIC SEMICOLON}]"
)
_MAX_BLUR = 500  # px
_MAX_IDS = 1000  # more than a network finds
_BLUR_SHARE = 0.015  # of the longer side: text in the background cannot be read, places are still known
# Pydantic's kinds of error in words for people; all its other texts read 'Input should be ...'.
_PLAIN = {
    "tuple_type": "must be a list",
    "missing": "has too few numbers",
    "too_long": "has too many numbers",
    "string_too_long": "has more than 100 characters in one value",
}
Task = Literal["cut", "detect"]
Format = Literal["png", "webp", "jpeg", "zip"]


def _listed(value: object) -> object:
    """A list as people write it in a form: JSON, or words with commas between."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("is not a valid JSON list") from None
    return _split(text)


def _split(text: str) -> list[str]:
    return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]


def _names(value: object) -> object:
    """Names as `_listed`, several of which may stand in one item of a list."""
    listed = _listed(value)
    if not isinstance(listed, list | tuple):
        return listed
    return [name for item in listed for name in (_split(item) if isinstance(item, str) else [item])]


def _pick(value: object) -> object:
    """`all`, `largest` and `best` stay words; anything else is a list of instance ids."""
    if isinstance(value, str) and value.strip().lower() in {"all", "largest", "best"}:
        return value.strip().lower()
    ids = [value] if isinstance(value, int) else _listed(value)
    if isinstance(ids, list | tuple) and len(ids) > _MAX_IDS:
        raise ValueError(f"has {len(ids):,} ids; at most {_MAX_IDS:,} are accepted")
    if isinstance(ids, list | tuple) and ids and all(re.fullmatch(r"\s*\d{1,16}\s*", str(part)) for part in ids):
        numbers = tuple(int(part) for part in ids)
        if max(numbers) <= LARGEST:
            return numbers
    raise ValueError("must be 'all', 'largest', 'best' or a list of the ids that /detect gives")


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _format(value: object) -> object:
    return {"jpg": "jpeg"}.get(word, word) if isinstance(word := _lower(value), str) else value


Flag = Annotated[bool, BeforeValidator(_lower)]
Name = Annotated[str, Field(max_length=100)]
Coordinate = Annotated[float, Field(allow_inf_nan=False)]


class DetectOptions(BaseModel):
    """What `/detect` takes beside the photo."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: Annotated[tuple[Name, ...], BeforeValidator(_names)] = Field(
        (), description="names of the objects: any case, plurals and synonyms; empty means every object"
    )
    min_score: float = Field(0.5, ge=0, le=1, allow_inf_nan=False, description="lowest detection score, 0 to 1")


class CutOptions(DetectOptions):
    """What `/cut` takes beside the photo. Coordinates are pixels of the upright photo, x right, y down."""

    return_white_bg: Flag = Field(False, description="white instead of transparent")
    background: str = Field(
        "transparent",
        max_length=100,
        description="`transparent`, a CSS colour, `blur` for the photo itself out of focus, or `blur:20` with a radius "
        f"in px of the photo, at most {_MAX_BLUR}",
    )
    invert: Flag = Field(False, description="remove the objects and keep the rest")
    pick: Annotated[Literal["all", "largest", "best"] | tuple[int, ...], BeforeValidator(_pick)] = Field(
        "all", description="which of the found instances: `all`, `largest`, `best` or a list of ids"
    )
    point: Annotated[tuple[Coordinate, Coordinate] | None, BeforeValidator(_listed)] = Field(
        None, description="[x, y]: only the smallest instance under this point"
    )
    roi: Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None, BeforeValidator(_listed)] = Field(
        None, description="[x0, y0, x1, y1]: only objects whose centre lies inside"
    )
    edges: Annotated[Literal["smooth", "sharp", "raw"], BeforeValidator(_lower)] = Field(
        "smooth",
        description="how the mask becomes an edge: `smooth` follows the photo and cleans the colours, `sharp` follows "
        "it with no pixel in between, `raw` is the network's own mask",
    )
    feather: float = Field(0, ge=0, le=1000, allow_inf_nan=False, description="px over which the edge fades")
    grow: float = Field(
        0, ge=-1000, le=1000, allow_inf_nan=False, description="px by which the edge moves outwards; negative: inwards"
    )
    crop: Flag = Field(False, description="trim to the cut-out")
    margin: str = Field("0", description="room around the trimmed cut-out: px, or '5%' of its longer side")
    max_size: int | None = Field(None, ge=1, le=16_384, description="longest side of the result, px")
    output: Annotated[Literal["image", "mask", "both"], BeforeValidator(_lower)] = Field(
        "image",
        description="the cut-out, its mask (white is kept), or `both`: a ZIP with the colours as `cutout.jpg` and the "
        "transparency as `alpha.png`",
    )
    format: Annotated[Format | None, BeforeValidator(_format)] = Field(
        None, description="png, webp or jpeg; without it the Accept header decides, else PNG. zip is `output=both`"
    )

    @model_validator(mode="before")
    @classmethod
    def _zip_means_both(cls, given: object) -> object:
        if isinstance(given, Mapping) and _format(given.get("format")) == "zip":
            return {"output": "both", **given}
        return given

    @field_validator("background")
    @classmethod
    def _check_background(cls, value: str) -> str:
        value = value.strip().lower()
        if value.startswith("blur"):
            found = re.fullmatch(r"blur(?:\s*:\s*(\d{1,3}(?:\.\d{1,6})?)\s*(?:px)?)?", value)
            if not found or (found[1] and not 0 < float(found[1]) <= _MAX_BLUR):
                raise ValueError(f"must be 'blur' or 'blur:<radius>' with more than 0 and at most {_MAX_BLUR} px")
            return f"blur:{found[1]}" if found[1] else "blur"
        if value in {"transparent", "none"}:
            return "transparent"
        if value == "currentcolor":
            raise ValueError("cannot be 'currentcolor', the colour of a text: name a colour such as 'white'")
        try:
            colour = parse_colour(value)
        except ValueError:
            raise ValueError(
                "must be 'transparent', 'blur' or a CSS colour such as 'white', '#ff8800', 'rgb(0 80 160 / 50%)'"
            ) from None
        return "transparent" if rgba(colour)[3] == 0 else colour

    @field_validator("margin", mode="before")
    @classmethod
    def _check_margin(cls, value: object) -> str:
        text = str(value).strip().lower().removesuffix("px").strip()
        if not re.fullmatch(r"\d{1,5}(\.\d+)?\s*%?", text):
            raise ValueError("must be pixels or a share such as '5%', not negative")
        if text.endswith("%") and float(text[:-1]) > 100:
            raise ValueError("must be at most 100%")
        return text

    @field_validator("roi")
    @classmethod
    def _check_roi(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and (value[0] >= value[2] or value[1] >= value[3]):
            raise ValueError("must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> CutOptions:
        if self.return_white_bg and self.background != "transparent" and self._behind() != (255,) * 4:
            raise ValueError("'return_white_bg' and 'background' ask for different backgrounds; send one of them")
        if self.output == "both":
            if self.format not in {None, "zip"}:
                raise ValueError(
                    f"'output' is 'both', which is a ZIP, and 'format' is '{self.format}'; send one of them"
                )
            if field := self.background_field():
                raise ValueError(f"'output' is 'both', which has no background; leave '{field}' out")
        elif self.format == "zip":
            raise ValueError(f"'format' is 'zip', which is for 'output=both', and 'output' is '{self.output}'")
        return self

    def background_field(self) -> str | None:
        """The field that asks for something behind the cut-out; None when it stays transparent."""
        if self.return_white_bg:
            return "return_white_bg"
        return None if self.background == "transparent" else "background"

    def background_rgba(self) -> tuple[int, int, int, int]:
        """The colour behind the cut-out, straight RGBA, 0 to 255; alpha 0 when there is none."""
        return (255, 255, 255, 255) if self.return_white_bg else self._behind()

    def _behind(self) -> tuple[int, int, int, int]:
        if self.background == "transparent" or self.background.startswith("blur"):
            return 0, 0, 0, 0
        return rgba(self.background)

    def blur_px(self, width: int, height: int) -> float | None:
        """The radius of the blur behind the cut-out in px of a photo of this size; None when nothing is blurred."""
        name, _, radius = self.background.partition(":")
        if name != "blur":
            return None
        return float(radius) if radius else min(max(_BLUR_SHARE * max(width, height), 1), _MAX_BLUR)

    def margin_px(self, width: int, height: int) -> int:
        """The margin around a cut-out of this size, whole px."""
        if self.margin.endswith("%"):
            return math.ceil(float(self.margin[:-1]) / 100 * max(width, height))
        return math.ceil(float(self.margin))


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

    def form(self) -> dict[str, str]:
        """The options that differ from their defaults, as text fields that `from_form` reads back."""
        changed = self.options.model_dump(exclude_defaults=True)
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in changed.items()}

    def check_bytes(self, settings: Settings) -> None:
        """Bound what is decoded, however it came.

        Raises:
            CutError: `body_too_large`.
        """
        photo, backdrop = len(self.photo or b""), len(self.backdrop or b"")
        if photo + backdrop > settings.max_body_bytes:
            what = "The photo has" if not backdrop else f"The photo and '{BACKDROP}' together have"
            raise CutError(
                "body_too_large",
                f"{what} {photo + backdrop:,} bytes; at most {settings.max_body_bytes:,} are accepted.",
                details={"bytes": photo + backdrop, "max_bytes": settings.max_body_bytes},
            )


def from_json(body: bytes | bytearray | Mapping[str, Any], task: Task, settings: Settings) -> CutRequest:
    """A request from a JSON body, as bytes or already parsed.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    if isinstance(body, bytes | bytearray):
        if not body.strip():
            raise CutError("invalid_request", "The body is empty. Send a photo, a form or JSON with 'image_url'.")
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            raise CutError("invalid_request", "The body is not valid JSON.") from None
    if not isinstance(body, Mapping):
        raise CutError("invalid_request", 'The JSON body must be an object such as {"image_url": "https://..."}.')
    fields = {str(name): value for name, value in body.items() if value is not None}
    if "image_file" in fields:
        raise wrong_field("image_file", "belongs in a multipart form; in JSON use 'image_base64' or 'image_url'")
    return _build(fields, task, settings)


def from_form(
    fields: Mapping[str, str | bytes | bytearray], task: Task, settings: Settings, urlencoded: bool = False
) -> CutRequest:
    """A request from the fields of a form.

    Args:
        fields: `image_file` is a file, `background_image` a file or text, everything else text, in UTF-8 where it is
            bytes.
        task: what is asked.
        settings: the limits.
        urlencoded: whether it was no multipart form: then a "+" that was not escaped has become a space.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    given = {name: _form_value(name, value, urlencoded) for name, value in fields.items()}
    return _build(_filled(given), task, settings)


def _form_value(name: str, value: str | bytes | bytearray, urlencoded: bool) -> str | bytes:
    """Bytes where the field holds a file, else text."""
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
    return data.decode("utf-8", "replace")


def from_raw(body: bytes, query: Mapping[str, str], task: Task, settings: Settings) -> CutRequest:
    """A request whose body is the photo itself, with the options in the query string.

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
    """A request from a body that is no form: the photo itself or JSON, whichever its first bytes say.

    Raises:
        CutError: `invalid_request`, naming the field, or saying what the body holds instead.
    """
    kind = body_kind(body, content_type)
    if kind == "photo":
        return from_raw(body, query, task, settings)
    if query:
        raise CutError("invalid_request", QUERY_IS_FOR_PHOTOS)
    if kind == "json" or not body.strip():
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


def _picture(value: object, field: str) -> bytes:
    """A picture of a field, in base64 or as it is."""
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
    known = [*PHOTO_FIELDS, *_MODELS[task].model_fields, *([BACKDROP] if task == "cut" else [])]
    for name in fields:
        if name not in known:
            near = difflib.get_close_matches(name[:100].lower(), known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise wrong_field(name[:100], f"is not a field of this call.{meant}")


def _options(fields: Mapping[str, Any], task: Task) -> CutOptions:
    try:
        checked = _MODELS[task](**fields)
    except ValidationError as error:
        first = error.errors()[0]
        message = _PLAIN.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # a check over several fields names them itself
            raise CutError("invalid_request", f"{message}.") from None
        raise wrong_field(str(first["loc"][0]), message.replace("Input should be", "must be")) from None
    return checked if isinstance(checked, CutOptions) else CutOptions(**checked.model_dump())
