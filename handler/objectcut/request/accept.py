"""What a sender's Accept header asks for: the picture as a file or JSON around it, and in which format.

Gateway and handler both ask here. The gateway sends on no more than what came out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mimeparse

from objectcut.errors import CutError
from objectcut.request.options import Format
from objectcut.request.parse import CutRequest

MEDIA_TYPES: dict[Format, str] = {
    "png": "image/png",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "zip": "application/zip",
}
_JSON = "application/json"
_PICTURES: tuple[Format, ...] = ("png", "webp", "jpeg")  # the first of equally welcome ones
_NAMED = 100  # mimeparse's fitness where the type before the slash is the same
_LONGEST = 4096  # characters: browsers send some 150
_Range = tuple[str, str, dict[str, str]]
_Rank = tuple[float, bool, int]
"""How much a media type is wanted: its q; whether by its name rather than by */*; how early it stands, from 0 down."""
_UNWANTED: _Rank = (0.0, False, 0)


@dataclass(frozen=True)
class Wanted:
    """How a cut-out is sent.

    Attributes:
        format: of the picture.
        as_file: whether the picture is the body; else it stands in JSON, in base64.
    """

    format: Format
    as_file: bool

    @property
    def header(self) -> str:
        """A short Accept header that asks for this, whatever kind of body the request has."""
        media_type = MEDIA_TYPES[self.format]
        return media_type if self.as_file else f"{_JSON}, {media_type};q=0.5"


def negotiate(request: CutRequest, accept: str) -> Wanted:
    """Return how to send the answer to this request.

    The request's own `format` and `output` come before the header; without either, and where nothing that is offered
    is accepted, it is PNG. A photo that was the body itself is answered by a file, anything else by JSON, unless the
    header prefers the other. Of two equally welcome ones, the first one named is sent.

    Args:
        request: the checked request.
        accept: the Accept header (RFC 9110, section 12.5.1); what cannot be read in it is left out.

    Raises:
        CutError: `invalid_request` for a header that is too long.
    """
    if len(accept) > _LONGEST:
        raise CutError(
            "invalid_request",
            f"The Accept header has {len(accept):,} characters; at most {_LONGEST:,} are read. Send a short one, such "
            "as 'image/png'.",
            details={"header": "Accept", "max_characters": _LONGEST},
        )
    ranges = list(_ranges(accept))
    options = request.options
    best = max(_PICTURES, key=lambda picture: _rank(MEDIA_TYPES[picture], ranges))
    kind: Format = "zip" if options.output == "both" else options.format or best
    file, json = _file_rank(MEDIA_TYPES[kind], ranges), _rank(_JSON, ranges)
    return Wanted(kind, request.bare if file == json else file > json)


def _ranges(accept: str) -> Iterator[_Range]:
    for entry in accept.lower().split(","):
        try:
            yield mimeparse.parse_media_range(entry)
        except mimeparse.MimeTypeParseException:
            continue


def _rank(media_type: str, ranges: Sequence[_Range]) -> _Rank:
    """Return how much this is wanted, by the most specific range that it falls under."""
    fits = []
    for place, one in enumerate(ranges):
        quality, fitness = mimeparse.quality_and_fitness_parsed(media_type, [one])
        fits.append((fitness, -place, quality))
    fitness, place, quality = max(fits, default=(0, 0, 0.0))
    return (quality, fitness >= _NAMED, place) if quality > 0 else _UNWANTED


def _file_rank(media_type: str, ranges: Sequence[_Range]) -> _Rank:
    """As `_rank`, where other pictures stand for a file that is not named: a ZIP of them, or what `format` says."""
    named = any(mimeparse.quality_and_fitness_parsed(media_type, [one])[1] >= _NAMED for one in ranges)
    pictures = [] if named else [f"image/{subtype}" for main, subtype, _ in ranges if main == "image"]
    return max(_rank(one, ranges) for one in (media_type, *pictures))
