"""`GET` and `POST /api/remove`: what programs that were written for rembg's server send, as a cut of ours.

Owns the fields of that interface. The answer is that of `/cut`, a PNG as there; errors are ours. docs/compatible.md
tells people what becomes of each field.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway import form
from gateway.asked import Asked
from gateway.foreign import as_cut, message_of, options_of, text_of
from gateway.incoming import read_fields
from objectcut.errors import CutError
from objectcut.request.accept import MEDIA_TYPES
from objectcut.request.options import Flag
from objectcut.request.parse import check_known, validated
from objectcut.request.sniff import Body
from objectcut.settings import Settings

PICTURES = ("file", "url")
"""The fields that hold the photo or its address; the others are those of `RembgFields`."""

# Their models that find whatever stands out, and those that find people. Others have no counterpart.
_GENERAL = {
    *("u2net", "u2netp", "silueta", "isnet-general-use", "birefnet-general", "birefnet-general-lite", "birefnet-dis"),
    *("birefnet-hrsod", "birefnet-massive", "bria-rmbg", "ben2-base"),
}
_PEOPLE = {"u2net_human_seg", "birefnet-portrait"}


class RembgFields(BaseModel):
    """What it takes beside the photo."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: str = Field("", description="ours: names of the objects; without it the main subject is cut")
    model: str = Field(
        "u2net",
        max_length=100,
        description="one of this server's models, which `/labels` lists. rembg's general models mean the default, "
        "`u2net_human_seg` and `birefnet-portrait` people; rembg's others are not known",
    )
    a: Flag = Field(False, description="makes no difference: edges are always drawn along the photo")
    af: int = Field(240, ge=0, le=255, description="of `a`; makes no difference")
    ab: int = Field(10, ge=0, le=255, description="of `a`; makes no difference")
    ae: int = Field(10, ge=0, description="of `a`; makes no difference")
    om: Flag = Field(False, description="the mask alone, in grey")
    ppm: Flag = Field(False, description="makes no difference: specks and holes are always mended")
    bgc: str = Field("", max_length=100, description="colour behind: `r,g,b,a`, each 0 to 255")

    @field_validator("bgc")
    @classmethod
    def _check_colour(cls, value: str) -> str:
        found = re.fullmatch(r"\s*,\s*".join([r"(\d{1,3})"] * 4), value.strip())
        if not found or any(int(channel) > 255 for channel in found.groups()):
            raise ValueError("must be 'r,g,b,a', each 0 to 255, such as '255,255,255,255'")
        return "#" + bytes(map(int, found.groups())).hex()

    def ours(self) -> dict[str, Any]:
        """Return what they are called by `/cut`."""
        fields = {
            "objects": self.objects or ("person" if self.model in _PEOPLE else ""),
            "pick": "" if self.objects else "main",
            "model": "" if self.model in _GENERAL | _PEOPLE else self.model,
            "output": "mask" if self.om else "",
            "background": "" if self.om else self.bgc,  # as there, where a mask has no background
        }
        return {name: value for name, value in fields.items() if value}


async def read(request: Request, settings: Settings) -> Asked:
    """Return what a request asks for. The photo is in the body or has an address, the options are in either place.

    Args:
        request: as it came.
        settings: the limits.

    Raises:
        CutError: `invalid_request`, naming the field.
    """
    sent: dict[str, Any] = dict(form.query(request.scope["query_string"]))
    kind: Body = "multipart"
    if request.method == "POST":
        fields, kind = await read_fields(request, settings)
        sent |= fields
    else:
        _check_page(request, settings)
    if text_of(sent, "extras") not in {"", "{}"}:
        raise CutError(
            "invalid_request",
            "'extras' are for models that are not here. POST /cut takes the point or box of a prompt.",
            details={"field": "extras"},
        )
    check_known([name for name in sent if name != "extras"], [*PICTURES, *RembgFields.model_fields])
    options = await run_in_threadpool(validated, RembgFields, options_of(sent, (*PICTURES, "extras")))
    ours = options.ours()
    if url := text_of(sent, "url"):
        ours["image_url"] = url
    if sent.get("file"):
        ours["image_file"] = sent["file"]
    asked = await run_in_threadpool(as_cut, ours, kind, settings)
    return Asked(asked, MEDIA_TYPES["png"])


def answered(reply: Response) -> Response:
    """Return an answer of `/cut` as this interface has it."""
    if reply.status_code < 400:
        return reply
    error = json.loads(bytes(reply.body))
    headers = {name: value for name, value in reply.headers.items() if name != "content-length"}
    return Response(json.dumps({**error, "message": message_of(error)}), reply.status_code, headers)


def _check_page(request: Request, settings: Settings) -> None:
    """Refuse to work for pages of other sites: a picture in one asks without an Origin, whatever its address."""
    site = request.headers.get("sec-fetch-site", "none")
    if site not in {"none", "same-origin"} and not settings.origins:
        raise CutError(
            "invalid_request",
            "Pages of other sites may not have photos cut here. Who runs this server adds the origin to "
            "OBJECTCUT_ORIGINS.",
            details={"header": "Sec-Fetch-Site"},
        )
