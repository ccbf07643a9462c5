"""`POST /v1.0/removebg`: what programs that were written for remove.bg send, as a cut of ours, and the answer as they
read it.

Owns the fields, headers and errors of that interface. docs/compatible.md tells people what becomes of each field.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import mimeparse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.asked import Asked
from gateway.foreign import as_cut, lowered, message_of, options_of, text_of
from gateway.incoming import read_fields
from gateway.photosize import upright_size
from objectcut.errors import STATUS, wrong_field
from objectcut.request.accept import MEDIA_TYPES
from objectcut.request.labels import group_members
from objectcut.request.options import Flag
from objectcut.request.parse import CutRequest, check_known, validated
from objectcut.settings import Settings

PICTURES = ("image_file", "image_file_b64", "image_url", "bg_image_file")
"""The fields that hold pictures or the photo's address; the others are those of `RemoveBgFields`."""

NO_PHOTO = "missing_source"
"""The code where there is no photo, with status 400."""
_LONGEST = 200  # characters of a field that is read by a pattern
_NUMBER = r"(\d{1,5}(?:\.\d{1,6})?)"
_WHOLE = [(0, "%"), (0, "%"), (100, "%"), (100, "%")]
_MEGAPIXELS = {"preview": 0.25, "small": 0.25, "regular": 0.25, "medium": 1.5, "hd": 4.0}
_OBJECTS = {"person": "person", "product": "product", "car": "car", "animal": "animal", "transportation": "vehicle"}
_OURS = {  # names of ours, which errors tell, to those of this interface
    "image_base64": "image_file_b64",
    "background": "bg_color",
    "background_image": "bg_image_file",
    "margin": "crop_margin",
    "output": "channels",
    "shadow": "add_shadow",
}
# Ours to theirs, where a program of theirs may look at it. Other errors keep their code, and their status if it says
# that the server is to blame.
_ERRORS: Mapping[str, tuple[int, str]] = {
    "object_not_found": (400, "unknown_foreground"),
    "body_too_large": (400, "file_too_large"),
    "image_too_large": (400, "file_too_large"),
    "url_unreachable": (400, "url_unreachable"),
    "unauthorized": (403, "auth_failed"),
    "rate_limited": (429, "rate_limit_exceeded"),
}


def theirs(code: str) -> tuple[int, str]:
    """Return the status and the code by which this interface tells an error of ours.

    Args:
        code: a key of `STATUS`.
    """
    return _ERRORS.get(code, (STATUS[code] if STATUS[code] >= 500 else 400, code))


class RemoveBgFields(BaseModel):
    """What it takes beside the pictures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: str | list[str] = Field("", description="ours: names of the objects; without it the main subject is cut")
    size: Annotated[
        Literal["preview", "small", "regular", "medium", "hd", "full", "4k", "50mp", "auto"], BeforeValidator(lowered)
    ] = Field(
        "preview",
        description="`preview`, `small` and `regular`: 0.25 megapixels at most; `medium` 1.5; `hd` 4; `full`, `4k`, "
        "`50MP` and `auto`: as large as the photo",
    )
    type: Annotated[
        Literal["auto", "person", "product", "car", "animal", "transportation"], BeforeValidator(lowered)
    ] = Field("auto", description="what the main subject is; `auto`: whatever it is")
    type_level: Annotated[Literal["none", "1", "2", "latest"], BeforeValidator(lowered)] = Field(
        "1", description="of the header `X-Type`: `none` leaves it out, `2` and `latest` know `transportation`"
    )
    format: Annotated[Literal["auto", "png", "jpg", "jpeg", "webp", "zip"], BeforeValidator(lowered)] = Field(
        "auto", description="`auto`: JPEG where nothing is transparent, else PNG; `zip`: color.jpg and alpha.png"
    )
    roi: str = Field(
        "",
        max_length=_LONGEST,
        description="`x1 y1 x2 y2` in px or %: only objects whose centre lies inside are cut, and these whole",
    )
    crop: Flag = Field(False, description="trim to the subject")
    crop_margin: str = Field(
        "0",
        max_length=_LONGEST,
        description="room around the trimmed subject: `30px`, or `10%` of its longer side; one value for all sides",
    )
    scale: Annotated[str, BeforeValidator(lowered)] = Field(
        "original", max_length=_LONGEST, description="10% to 100% of the picture, centred; `original`: as in the photo"
    )
    position: Annotated[str, BeforeValidator(lowered)] = Field(
        "", max_length=_LONGEST, description="with `scale`: `center`, `x%` or `x% y%`; `original` without"
    )
    channels: Annotated[Literal["rgba", "alpha"], BeforeValidator(lowered)] = Field(
        "rgba", description="`alpha`: the mask alone, in grey"
    )
    bg_color: str = Field("", max_length=100, description="colour behind: hex, with or without #, or any CSS colour")
    bg_image_url: str = Field("", description="a public address of the picture behind, which fills the result")
    add_shadow: Flag = Field(False, description="a shadow on the ground, below anything, not only cars")
    shadow_type: Annotated[Literal["none", "auto", "car", "drop"], BeforeValidator(lowered)] = Field(
        "none", description="`auto` and `car`: a shadow on the ground; `drop`: one behind the subject"
    )
    semitransparency: Flag = Field(
        True, description="either value is taken and makes no difference: windows are never half transparent"
    )

    @field_validator("crop_margin")
    @classmethod
    def _check_margin(cls, value: str) -> str:
        sides = set(value.split())
        if len(sides) != 1:
            raise ValueError(
                "must be one value for all sides, such as '30px' or '10%'; sides of their own are not made"
            )
        return sides.pop()

    @field_validator("bg_color")
    @classmethod
    def _check_colour(cls, value: str) -> str:
        return f"#{value}" if re.fullmatch(r"[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}", value) else value

    @field_validator("roi")
    @classmethod
    def _check_roi(cls, value: str) -> str:
        corners = re.fullmatch(r"[\s,]+".join([rf"{_NUMBER}\s*(?:px|%)?"] * 4), value.strip())
        if not corners:
            raise ValueError("must be 'x1 y1 x2 y2', each in px or %, such as '0% 0% 50% 100%'")
        return value.strip()

    @model_validator(mode="after")
    def _check_together(self) -> RemoveBgFields:
        if self.objects and self.type != "auto":
            raise ValueError("'objects' and 'type' both say what to cut; send one of them")
        if self.bg_color and self.bg_image_url:
            raise ValueError("'bg_color' and 'bg_image_url' ask for different backgrounds; send one of them")
        if self.scale != "original" and self.position == "original":
            raise ValueError(
                "'position' cannot be 'original' with a 'scale': send 'center' or 'x% y%', or leave it out"
            )
        if self.scale == "original" and self.position not in {"", "original"}:
            raise ValueError("'position' needs a 'scale', such as '80%': a subject of its own size is left where it is")
        return self

    def ours(self) -> dict[str, Any]:
        """Return what they are called by `/cut`, without those that depend on the photo's size."""
        shadow = {"none": "contact" if self.add_shadow else "", "drop": "drop"}.get(self.shadow_type, "contact")
        scaled = self.scale != "original"
        fields = {
            "objects": self.objects or _OBJECTS.get(self.type, ""),
            "pick": "" if self.objects else "main",
            "crop": "true" if self.crop else "",
            "margin": self.crop_margin if self.crop and not scaled else "",
            "scale": self.scale if scaled else "",
            "position": self.position if scaled else "",
            "background": self.bg_color,
            "shadow": shadow,
            "output": "mask" if self.channels == "alpha" else "",
            "format": "" if self.format == "auto" else self.format,
        }
        return {name: value for name, value in fields.items() if value}

    def region(self, size: tuple[int, int] | None) -> tuple[float, ...] | None:
        """Return `roi` in px of a photo of this size; None for the whole photo.

        Raises:
            CutError: it is in percent, and there is no size; or it has no area.
        """
        corners = re.findall(rf"{_NUMBER}\s*(px|%)?", self.roi)
        if [(float(number), unit) for number, unit in corners] in ([], _WHOLE):
            return None
        if size is None and any(unit == "%" for _, unit in corners):
            raise wrong_field("roi", "must be in px for this photo: its header does not tell its size")
        sides = (size or (0, 0)) * 2
        x0, y0, x1, y1 = (
            float(number) * (side / 100 if unit == "%" else 1)
            for (number, unit), side in zip(corners, sides, strict=True)
        )
        if x0 >= x1 or y0 >= y1:
            raise wrong_field("roi", "must be 'x1 y1 x2 y2' with x1 < x2 and y1 < y2")
        return x0, y0, x1, y1

    def longest_side(self, size: tuple[int, int] | None) -> int | None:
        """Return the `max_size` that a photo of this size has for `size`; None for no bound."""
        if self.size not in _MEGAPIXELS:
            return None
        pixels = 1_000_000 * _MEGAPIXELS[self.size]
        width, height = size or (1, 1)
        if size and width * height <= pixels:
            return None
        return max(math.floor(max(width, height) * math.sqrt(pixels / (width * height))), 1)


class RemoveBg:
    """One request.

    Args:
        request: as it came.
        settings: the limits.
    """

    def __init__(self, request: Request, settings: Settings) -> None:
        self._request, self._settings = request, settings
        self._fields = RemoveBgFields()
        self._ours = False  # whether errors tell names of ours from now on

    async def read(self) -> Asked:
        """Return what it asks for.

        Raises:
            CutError: `invalid_request`, naming the field as its sender does.
        """
        sent, kind = await read_fields(self._request, self._settings)
        options = options_of(sent, PICTURES)
        check_known([*sent], [*PICTURES, *RemoveBgFields.model_fields])
        self._fields = await run_in_threadpool(validated, RemoveBgFields, options)
        ours = self._fields.ours()
        for theirs, name in (("image_file_b64", "image_base64"), ("bg_image_file", "background_image")):
            if sent.get(theirs):
                ours[name] = sent[theirs]
        if sent.get("image_file"):
            ours["image_file"] = sent["image_file"]
        if url := text_of(sent, "image_url"):
            ours["image_url"] = url
        if self._fields.bg_image_url and (
            "background_image" in ours or ours.get("output") or ours.get("format") == "zip"
        ):
            raise wrong_field(
                "bg_image_url", "cannot be combined with 'bg_image_file', 'channels=alpha' or 'format=zip'"
            )
        self._ours = True
        asked = await run_in_threadpool(as_cut, ours, kind, self._settings)
        # The picture is asked for as a file in any case, and put into JSON here.
        accept = MEDIA_TYPES["zip" if asked.options.output == "both" else asked.options.format or "png"]
        backdrop_url = self._fields.bg_image_url or None
        return Asked(self._in_format(asked, bool(backdrop_url)), accept, backdrop_url, self._fitted)

    def _in_format(self, asked: CutRequest, backdrop: bool) -> CutRequest:
        opaque = backdrop or asked.backdrop or asked.options.background_rgba()[3] == 255
        if self._fields.format != "auto" or not opaque:
            return asked
        return replace(asked, options=asked.options.model_copy(update={"format": "jpeg"}))

    def _fitted(self, asked: CutRequest) -> CutRequest:
        size = upright_size(asked.photo or b"")
        update = {"roi": self._fields.region(size), "max_size": self._fields.longest_side(size)}
        return replace(asked, options=asked.options.model_copy(update=update))

    def answered(self, reply: Response) -> Response:
        """Return an answer of `/cut` as this interface has it."""
        body = bytes(reply.body)
        if reply.status_code >= 400:
            return self._refused(reply, body)
        headers = {name: value for name, value in reply.headers.items() if name != "content-length"}
        x0, y0, x1, y1 = map(int, reply.headers["x-foreground-box"].split(","))
        foreground = {"top": y0, "left": x0, "width": x1 - x0, "height": y1 - y0}
        headers |= {f"X-Foreground-{side.title()}": str(value) for side, value in foreground.items()}
        headers["X-Credits-Charged"] = "0"
        if self._fields.type_level != "none":
            headers["X-Type"] = _type(reply.headers.get("x-object-labels", ""), self._fields.type_level == "1")
        if reply.headers["content-type"] == MEDIA_TYPES["zip"]:
            body = _renamed(body)
        if self._wants_json():
            place = {f"foreground_{side}": px for side, px in foreground.items()}
            data = {"result_b64": base64.b64encode(body).decode(), **place}
            body, headers["content-type"] = json.dumps({"data": data}).encode(), "application/json"
        return Response(body, headers=headers)

    def _refused(self, reply: Response, body: bytes) -> Response:
        error = json.loads(body)
        self._request.state.code = error["code"]
        status, code = theirs(error["code"])
        if error["details"].get("fields") == []:  # of photos
            code = NO_PHOTO
        title = message_of(error)
        if self._ours:
            title = re.sub(r"'(\w+)(?=['=])", lambda name: f"'{_OURS.get(name[1], name[1])}", title)
        told = {"title": title, "code": code, "detail": f"{error['code']}, request {error['request_id']}"}
        headers = {
            name: value for name, value in reply.headers.items() if name not in {"content-length", "content-type"}
        }
        return Response(json.dumps({"errors": [told]}), status, headers, "application/json")

    def _wants_json(self) -> bool:
        """Return whether JSON is accepted and a picture is not, or less: libraries that take anything name JSON too."""
        accept = ",".join(self._request.headers.getlist("accept"))
        if "*/*" in accept or "json" not in accept:
            return False
        try:
            return str(mimeparse.best_match(["image/png", "application/json"], accept)) == "application/json"
        except mimeparse.MimeTypeParseException:
            return False


def _type(labels: str, coarse: bool) -> str:
    """Return the kind of the first of these objects, percent-encoded names with commas between."""
    name = unquote(labels.partition(",")[0])
    if name in {"person", "car"}:
        return name
    if name in group_members("vehicle"):
        return "other" if coarse else "transportation"
    return next((group for group in ("animal", "product") if name in group_members(group)), "other")


def _renamed(packed: bytes) -> bytes:
    """Return a ZIP of ours with the names of files that programs of theirs look for."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as ours, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as theirs:
        for name in ours.namelist():
            theirs.writestr(zipfile.ZipInfo({"cutout.jpg": "color.jpg"}.get(name, name)), ours.read(name))
    return out.getvalue()
