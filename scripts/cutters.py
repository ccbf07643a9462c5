"""Two ways to cut a photo: a running server does it, or this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

import httpx

ENDINGS = {"image/png": ".png", "image/webp": ".webp", "image/jpeg": ".jpg", "application/zip": ".zip"}
"""Of the files that answers are."""
_ACCEPT = {"jpeg": "image/jpeg", "webp": "image/webp"}
_ANSWER_S = 180.0


class Refused(Exception):
    """A photo that could not be cut; the message is the server's."""


class Unusable(Exception):
    """No photo can be cut: there is no server at the address, or no such model."""


@dataclass(frozen=True)
class Picture:
    """A finished file."""

    body: bytes
    suffix: str


class Cutter(Protocol):
    """Cuts one photo after another.

    Attributes:
        at_once: how many photos it takes at a time; None for any number.
    """

    at_once: int | None

    def cut(self, photo: bytes, options: dict[str, str], backdrop: bytes | None) -> Picture:
        """Cut a photo.

        Args:
            photo: encoded.
            options: fields of `/cut` as text.
            backdrop: encoded picture behind the cut-out.

        Raises:
            Refused: this photo cannot be cut.
            Unusable: none can.
        """

    def close(self) -> None:
        """Close connections."""


class ServerCutter:
    """Sends photos to a running ObjectCut.

    Args:
        address: of the server.
        key: where it wants one.

    Raises:
        Unusable: it is no address.
    """

    at_once: int | None = None

    def __init__(self, address: str, key: str = "") -> None:
        # trust_env: a proxy stands between this machine and the internet, not before a server of one's own.
        try:
            headers = {"X-Api-Key": key} if key else {}
            self._client = httpx.Client(base_url=address, headers=headers, timeout=_ANSWER_S, trust_env=False)
        except httpx.InvalidURL as error:
            raise Unusable(str(error)) from error

    def cut(self, photo: bytes, options: dict[str, str], backdrop: bytes | None) -> Picture:
        """Send a photo; see `Cutter`."""
        files = {"image_file": photo, **({} if backdrop is None else {"background_image": backdrop})}
        headers = {"Accept": _accepted(options)}
        try:
            reply = self._client.post("/cut", files=files, data=options, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            where = self._client.base_url
            raise Unusable(f"No ObjectCut answers on {where}. Start it with `make serve`, or use --local.") from error
        except httpx.TransportError as error:
            raise Refused(f"the connection broke off ({type(error).__name__})") from error
        kind = reply.headers.get("content-type", "").partition(";")[0]
        if reply.status_code != 200 or kind not in ENDINGS:
            try:
                raise Refused(reply.json()["message"])
            except (ValueError, LookupError, TypeError):
                raise Refused(f"the server answered {reply.status_code}") from None
        return Picture(reply.content, ENDINGS[kind])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class LocalCutter:
    """Runs the model in this process; photos may be as large as memory allows.

    Args:
        model: as for `Pipeline.load`.

    Raises:
        Unusable: there is no such model, or a setting is wrong.
    """

    at_once: int | None = 1  # the pipeline uses all cores for one photo

    def __init__(self, model: str) -> None:
        # Here, as it imports torch, which takes seconds that the way over a server does not need.
        from objectcut.network.card import ModelError
        from objectcut.pipeline import Pipeline
        from objectcut.settings import Settings

        try:
            settings = Settings.from_environment().model_copy(update={"max_body_bytes": sys.maxsize})
            self._pipeline = Pipeline.load(model, settings)
        except (ModelError, ValueError) as error:
            raise Unusable(str(error)) from error

    def cut(self, photo: bytes, options: dict[str, str], backdrop: bytes | None) -> Picture:
        """Cut a photo; see `Cutter`."""
        from objectcut.errors import CutError
        from objectcut.item import Order
        from objectcut.request.parse import from_form

        form: dict[str, str | bytes] = {"image_file": photo, **options}
        if backdrop is not None:
            form["background_image"] = backdrop

        def order() -> Order:
            return Order(from_form(form, "cut", self._pipeline.settings), _accepted(options))

        (answer,) = self._pipeline.run([order], lambda _, answer: answer)
        if isinstance(answer, CutError):
            raise Refused(answer.message)
        return Picture(answer.body, ENDINGS[answer.media_type])

    def close(self) -> None:
        """Do nothing: there are no connections."""


def _accepted(options: dict[str, str]) -> str:
    return _ACCEPT.get(options.get("format", ""), "image/png")
