"""One item of a batch, at the two ends of its way: as a checked job and as a finished answer."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from objectcut.photo import Photo, Preview
from objectcut.request import CutRequest


@dataclass(frozen=True, eq=False)
class Job:
    """A request whose photo can be looked at and whose names are known.

    Attributes:
        request: as it was checked.
        preview: for the network.
        photo: all pixels, for the cut-out; they may still be decoded while the network runs. None when that has not
            begun or is not needed.
        wanted: labels of the objects asked for; None for every class.
        accept: the sender's Accept header.
        ticket: the gateway's name for the request; empty for other callers.
    """

    request: CutRequest
    preview: Preview
    photo: Future[Photo] | None
    wanted: frozenset[int] | None
    accept: str
    ticket: str = ""


@dataclass(frozen=True, eq=False)
class Answer:
    """A reply in the terms of HTTP."""

    body: bytes
    media_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
