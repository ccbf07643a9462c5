"""The options of `/cut` and `/detect`: their names, types and ranges.

The meaning of the names in `objects` belongs to `labels`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, field_validator, model_validator

from objectcut.identity import LARGEST
from objectcut.request.colour import parse_colour, rgba

# Commas and what stands for them in Chinese, Japanese and Arabic, semicolons and line breaks.
_SEPARATORS = re.compile(
    r"[,;\n\r\N{IDEOGRAPHIC COMMA}\N{HALFWIDTH IDEOGRAPHIC COMMA}\N{FULLWIDTH COMMA}"
    r"\N{FULLWIDTH SEMICOLON}\N{ARABIC COMMA}\N{ARABIC SEMICOLON}]"
)
_MAX_BLUR = 500  # px
_MAX_IDS = 1000  # more than a network finds
_MAX_BOXES = 20
_NO_BOX = "must be [x0, y0, x1, y1] or a list of such boxes, in px, with x0 < x1 and y0 < y1"
_MAX_LENGTH = 100  # characters of what is read by a pattern
_PERCENT = r"(\d{1,3}(?:\.\d{1,6})?)\s*%?"
_MAX_OUTLINE = 100  # px
MAX_SIDE = 16_384  # px of a result
_BLUR_SHARE = 0.015  # of the longer side: text in the background cannot be read, places are still known
Task = Literal["cut", "detect"]
Format = Literal["png", "webp", "jpeg", "zip"]


def _listed(value: object) -> object:
    """Return a list as people write it in a form: JSON, or words with commas between."""
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
    """Return names as `_listed`, several of which may stand in one item of a list."""
    listed = _listed(value)
    if not isinstance(listed, list | tuple):
        return listed
    return [name for item in listed for name in (_split(item) if isinstance(item, str) else [item])]


def _pick(value: object) -> object:
    """`all`, `largest`, `best` and `main` stay words; anything else is a list of instance ids."""
    if isinstance(value, str) and value.strip().lower() in {"all", "largest", "best", "main"}:
        return value.strip().lower()
    ids = [value] if isinstance(value, int) else _listed(value)
    if isinstance(ids, list | tuple) and len(ids) > _MAX_IDS:
        raise ValueError(f"has {len(ids):,} ids; at most {_MAX_IDS:,} are accepted")
    if isinstance(ids, list | tuple) and ids and all(map(_is_id, ids)):
        numbers = tuple(int(part) for part in ids)
        if max(numbers) <= LARGEST:
            return numbers
    raise ValueError("must be 'all', 'largest', 'best', 'main' or a list of the ids that /detect gives")


def _is_id(part: object) -> bool:
    if isinstance(part, str):
        return re.fullmatch(r"\s*\d{1,16}\s*", part) is not None
    return type(part) is int and 0 <= part <= LARGEST


def _boxes(value: object) -> object:
    """Return a list of boxes, of which one may stand alone, as numbers or as a list, also in a form."""
    listed = _split(value) if isinstance(value, str) and "[" not in value else value
    if isinstance(listed, str):
        try:
            listed = json.loads(f"[{value}]")
        except (ValueError, RecursionError):
            raise ValueError(_NO_BOX) from None
        if len(listed) == 1 and isinstance(listed[0], list):
            listed = listed[0]
    if not isinstance(listed, list | tuple):
        raise ValueError(_NO_BOX)
    if any(isinstance(each, list | tuple) for each in listed):
        boxes = [tuple(each) if isinstance(each, list | tuple) else (each,) for each in listed]
    else:
        boxes = [tuple(listed[place : place + 4]) for place in range(0, len(listed), 4)]
    if len(boxes) > _MAX_BOXES:
        raise ValueError(f"has {len(boxes):,} boxes; at most {_MAX_BOXES} are accepted")
    if any(len(box) != 4 for box in boxes):
        raise ValueError(_NO_BOX)
    return boxes


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _format(value: object) -> object:
    return {"jpg": "jpeg"}.get(word, word) if isinstance(word := _lower(value), str) else value


def _scale(value: object) -> object:
    return value.strip().removesuffix("%") if isinstance(value, str) else value


def _position(value: object) -> object:
    """Return a position as `x% y%`: two shares, or one for both axes."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if isinstance(value, float) or value.bit_length() < 64 else ""
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return value
    text = value.strip().lower()
    found = re.fullmatch(rf"{_PERCENT}(?:[\s,]\s*{_PERCENT})?", "50" if text == "center" else text)
    shares = [share for share in found.groups() if share] if found else []
    if not shares or any(float(share) > 100 for share in shares):
        raise ValueError("must be 'center' or two shares such as '50% 100%', from left and top, each 0 to 100")
    return f"{shares[0]}% {shares[-1]}%"


Flag = Annotated[bool, BeforeValidator(_lower)]
Name = Annotated[str, Field(max_length=100)]
Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Corners = tuple[Coordinate, Coordinate, Coordinate, Coordinate]


def _either_box(schema: dict[str, Any]) -> None:
    """Say in the schema that one box may stand alone."""
    several = {key: schema.pop(key) for key in ("type", "items")}
    schema["anyOf"] = [several["items"], several]


class DetectOptions(BaseModel):
    """What `/detect` takes beside the photo. Coordinates are pixels of the upright photo, x right, y down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: Annotated[tuple[Name, ...], FailFast(), BeforeValidator(_names)] = Field(
        (), description="names of the objects: any case, plurals and synonyms; empty means every object"
    )
    min_score: float = Field(0.5, ge=0, le=1, allow_inf_nan=False, description="lowest detection score, 0 to 1")
    model: str = Field("", max_length=100, description="which of the server's models; `/labels` lists them")
    box: Annotated[tuple[Corners, ...], BeforeValidator(_boxes)] = Field(
        (),
        description="[x0, y0, x1, y1], or several: the object in each box, whatever it is called. Without other fields "
        "that choose objects, only the boxes are taken; those fields do not apply to boxes",
        json_schema_extra=_either_box,
    )

    @field_validator("box")
    @classmethod
    def _check_box(cls, value: tuple[Corners, ...]) -> tuple[Corners, ...]:
        if any(x0 >= x1 or y0 >= y1 for x0, y0, x1, y1 in value):
            raise ValueError(_NO_BOX)
        return value


class CutOptions(DetectOptions):
    """What `/cut` takes beside the photo."""

    return_white_bg: Flag = Field(False, description="white instead of transparent")
    background: str = Field(
        "transparent",
        max_length=100,
        description="`transparent`, a CSS colour, `blur` for the photo itself out of focus, or `blur:20` with a radius "
        f"in px of the photo, at most {_MAX_BLUR}",
    )
    invert: Flag = Field(False, description="remove the objects and keep the rest")
    pick: Annotated[Literal["all", "largest", "best", "main"] | tuple[int, ...], BeforeValidator(_pick)] = Field(
        "all",
        description="which of the found instances: `all`, `largest`, `best`, `main` for the photo's main subject, or a "
        "list of ids",
    )
    point: Annotated[tuple[Coordinate, Coordinate] | None, BeforeValidator(_listed)] = Field(
        None, description="[x, y]: only the smallest instance under this point"
    )
    roi: Annotated[Corners | None, BeforeValidator(_listed)] = Field(
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
    margin: str = Field(
        "0",
        description="room around the trimmed cut-out: px, or '5%' of its longer side; or along the edges of the "
        "`canvas`: px of it, or a share of its longer side",
    )
    canvas: str | None = Field(
        None,
        max_length=_MAX_LENGTH,
        description="put the cut-out on a canvas: `1:1`, `4:5`, `16:9`: as small as holds it at its own size; or "
        "`1600x1600`, px, which it fills",
    )
    scale: Annotated[float | None, BeforeValidator(_scale)] = Field(
        None,
        ge=10,
        le=100,
        allow_inf_nan=False,
        description="percent of the canvas' room that the cut-out takes, 100 where it is left out; without `canvas` on "
        "a canvas of the photo's size",
    )
    position: Annotated[str | None, BeforeValidator(_position)] = Field(
        None,
        max_length=_MAX_LENGTH,
        description="`center`, or `x% y%`: where on the canvas, as CSS `object-position`; without `canvas` on a canvas "
        "of the photo's size",
    )
    rotate: float = Field(
        0,
        ge=-180,
        le=180,
        allow_inf_nan=False,
        description="degrees, -180 to 180, by which the cut-out is turned clockwise about its centre; `crop` and "
        "`canvas` take it as it then lies; without them it is turned where it stands, and cut off where the photo ends",
    )
    shadow: Annotated[Literal["drop", "contact"] | None, BeforeValidator(_lower)] = Field(
        None, description="under the cut-out: `drop` falls behind it, `contact` lies on the ground below it"
    )
    outline: str | None = Field(
        None,
        max_length=_MAX_LENGTH,
        description=f"around the cut-out: its width, more than 0 and at most {_MAX_OUTLINE} px of the photo, and a CSS "
        "colour, such as `4 white`",
    )
    max_size: int | None = Field(None, ge=1, le=MAX_SIDE, description="longest side of the result, px")
    output: Annotated[Literal["image", "mask", "both", "photo"], BeforeValidator(_lower)] = Field(
        "image",
        description="the cut-out, its mask (white is kept), `both`: a ZIP with the colours as `cutout.jpg` and the "
        "transparency as `alpha.png`, or `photo`: the whole photo, upright and in sRGB, of which only `max_size` and "
        "`format` change anything",
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
        plain = isinstance(value, str | float) or (isinstance(value, int) and value.bit_length() < 64)
        text = str(value).strip().lower().removesuffix("px").strip() if plain else ""
        if not re.fullmatch(r"\d{1,5}(\.\d{1,20})?\s*%?", text):
            raise ValueError("must be pixels or a share such as '5%', not negative")
        if text.endswith("%") and float(text[:-1]) > 100:
            raise ValueError("must be at most 100%")
        return text

    @field_validator("canvas")
    @classmethod
    def _check_canvas(cls, value: str | None) -> str | None:
        if value is None:
            return None
        text = value.strip().lower().removesuffix("px")
        if found := re.fullmatch(r"(\d{1,3})\s*:\s*(\d{1,3})", text):
            sides, most = (int(found[1]), int(found[2])), 100
        elif found := re.fullmatch(r"(\d{1,5})\s*(?:px)?\s*[x\N{MULTIPLICATION SIGN}]\s*(\d{1,5})\s*", text):
            sides, most = (int(found[1]), int(found[2])), MAX_SIDE
        else:
            raise ValueError("must be a shape such as '1:1' or '4:5', or px such as '1600x1200'")
        if not all(1 <= side <= most for side in sides):
            raise ValueError(f"has a side that is not 1 to {most}")
        return f"{sides[0]}{':' if ':' in text else 'x'}{sides[1]}"

    @field_validator("outline")
    @classmethod
    def _check_outline(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)(?:\s*px)?\s+(\S.*)", value.strip().lower())
        if not found or not 0 < float(found[1]) <= _MAX_OUTLINE:
            raise ValueError(f"must be a width, more than 0 and at most {_MAX_OUTLINE} px, and a colour: '4 white'")
        try:
            colour = parse_colour(found[2])
        except ValueError:
            raise ValueError("must end with a CSS colour, as '4 white' and '4px #ff8800' do") from None
        if rgba(colour)[3] == 0:
            raise ValueError("has a colour that is wholly transparent; leave 'outline' out instead")
        return f"{found[1]} {colour}"

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

    @model_validator(mode="after")
    def _check_canvas_together(self) -> CutOptions:
        drawn = [field for field in ("shadow", "outline") if getattr(self, field) is not None]
        if self.output != "image" and drawn:
            raise ValueError(f"'output' is '{self.output}', which has no {drawn[0]}; leave '{drawn[0]}' out")
        if self.max_size is not None and isinstance(self.canvas, str) and "x" in self.canvas:
            raise ValueError("'canvas' in px and 'max_size' both tell the size of the result; send one of them")
        field = self.canvas_field() or ("rotate" if self.rotate else None)
        if self.background.startswith("blur") and field:
            raise ValueError(
                f"'background' is 'blur', which is the photo around the cut-out, and '{field}' moves the cut-out "
                "away from there; send one of them"
            )
        return self

    def canvas_field(self) -> str | None:
        """Return the field that asks for a canvas; None when the picture stays where it is in the photo."""
        fields = ("canvas", "scale", "position")
        return next((field for field in fields if getattr(self, field) is not None), None)

    def canvas_shape(self) -> tuple[int, int] | None:
        """Return the sides of a canvas that has a shape alone, as `4:5`; None for others."""
        return self._canvas_sides(":")

    def canvas_px(self) -> tuple[int, int] | None:
        """Return width and height of a canvas in px, as `1600x1200`; None for others."""
        return self._canvas_sides("x")

    def _canvas_sides(self, sign: str) -> tuple[int, int] | None:
        first, found, second = (self.canvas or "").partition(sign)
        return (int(first), int(second)) if found else None

    def position_shares(self) -> tuple[float, float]:
        """Return the place on the canvas, percent of what is free from left and top."""
        across, down = (self.position or "50% 50%").split()
        return float(across[:-1]), float(down[:-1])

    def outline_px(self) -> float:
        """Return the width of the outline, px of the photo; 0 without one."""
        return float(self.outline.split()[0]) if self.outline else 0.0

    def outline_rgba(self) -> tuple[int, int, int, int]:
        """Return the colour of the outline, straight RGBA, 0 to 255; alpha 0 without one."""
        return rgba(self.outline.split()[1]) if self.outline else (0, 0, 0, 0)

    def background_field(self) -> str | None:
        """Return the field that asks for something behind the cut-out; None when it stays transparent."""
        if self.return_white_bg:
            return "return_white_bg"
        return None if self.background == "transparent" else "background"

    def background_rgba(self) -> tuple[int, int, int, int]:
        """Return the colour behind the cut-out, straight RGBA, 0 to 255; alpha 0 when there is none."""
        return (255, 255, 255, 255) if self.return_white_bg else self._behind()

    def _behind(self) -> tuple[int, int, int, int]:
        if self.background == "transparent" or self.background.startswith("blur"):
            return 0, 0, 0, 0
        return rgba(self.background)

    def blur_px(self, width: int, height: int) -> float | None:
        """Return the radius of the blur behind the cut-out, px of a photo of this size; None without blur."""
        name, _, radius = self.background.partition(":")
        if name != "blur":
            return None
        return float(radius) if radius else min(max(_BLUR_SHARE * max(width, height), 1), _MAX_BLUR)

    def margin_share(self) -> float | None:
        """Return the margin in percent of a longer side; None when it is told in px."""
        return float(self.margin[:-1]) if self.margin.endswith("%") else None

    def margin_px(self, width: int, height: int) -> int:
        """Return the margin around a cut-out of this size, or within a canvas of it, whole px."""
        share = self.margin_share()
        return math.ceil(float(self.margin) if share is None else share * max(width, height) / 100)
