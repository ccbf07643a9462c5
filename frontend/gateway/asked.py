"""A request as it was read, with what is left to do before a worker can have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from objectcut.request.parse import CutRequest


def _as_it_is(request: CutRequest) -> CutRequest:
    return request


@dataclass(frozen=True)
class Asked:
    """What a sender asks for.

    Attributes:
        request: checked; its photo may have to be fetched.
        accept: the Accept header for the handler.
        backdrop_url: where the picture behind the cut-out is to be fetched.
        fitted: makes of the request, once it has its pictures, one whose options fit the photo's size. Raises
            `CutError`; works on headers alone.
    """

    request: CutRequest
    accept: str
    backdrop_url: str | None = None
    fitted: Callable[[CutRequest], CutRequest] = _as_it_is
