"""One item of a batch on its way: the order that came in, the job that can be begun, the finished answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from objectcut.instance import Instance
from objectcut.photo.decode import Preview
from objectcut.recent import RecentPhoto
from objectcut.request.parse import CutRequest
from objectcut.worker.timer import Stage


@dataclass(frozen=True, eq=False)
class Order:
    """A checked request and how its answer is sent.

    Attributes:
        request: the request.
        accept: the sender's Accept header.
        ticket: the gateway's name for the request; empty for other callers.
    """

    request: CutRequest
    accept: str = ""
    ticket: str = ""


@dataclass(frozen=True, eq=False)
class Job:
    """A request whose photo can be looked at and whose names are known.

    Attributes:
        order: as it came in.
        recent: its photo, and what was made of it.
        wanted: labels of the objects asked for.
        boxed: what the sender drew boxes around.
        stages: that are over, those of its batch among them.
    """

    order: Order
    recent: RecentPhoto
    wanted: frozenset[int]
    boxed: tuple[Instance, ...] = ()
    stages: list[Stage] = field(default_factory=list)

    @property
    def request(self) -> CutRequest:
        """The checked request."""
        return self.order.request

    @property
    def preview(self) -> Preview:
        """What the network looks at."""
        return self.recent.preview


@dataclass(frozen=True, eq=False)
class Answer:
    """A reply in the terms of HTTP.

    Attributes:
        body: bytes of it.
        media_type: of the body.
        status: of HTTP.
        headers: beside the type.
        stages: that made it; none are known of an error.
    """

    body: bytes
    media_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stages: Sequence[Stage] = ()
