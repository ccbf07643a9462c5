"""The file of keys as it is now, and the key that a request brings."""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.requests import Request

from gateway.changingfile import ChangingFile
from objectcut.errors import CutError
from objectcut.keys import NONE, Keys

logger = logging.getLogger(__name__)
_SCHEME = "bearer "


class KeyFile:
    """Reads keys anew when they change.

    Args:
        path: of the file; None where there is none.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else ChangingFile(path)
        self._keys: Keys | None = NONE

    def keys(self) -> Keys:
        """Return the keys.

        Raises:
            CutError: `unauthorized`: they cannot be read, and none is good.
        """
        if self._file is None:
            return NONE
        try:
            if self._file.changed():
                self._keys = None
                self._keys = Keys.read(self._file.path)
        except FileNotFoundError:
            self._keys = NONE
        except (OSError, ValueError):
            self._keys = None
            logger.exception("The keys in %s cannot be read", self._file.path)
        if self._keys is None:
            raise unauthorized("The server's keys cannot be read. Who runs it finds the cause in its log.")
        return self._keys


def key_of(request: Request) -> str | None:
    """Return the key in `Authorization: Bearer KEY` or `X-Api-Key: KEY`; None when there is none."""
    given = request.headers.get("authorization", "")
    if given.lower().startswith(_SCHEME):
        return given[len(_SCHEME) :].strip()
    return request.headers.get("x-api-key", "").strip() or None


def unauthorized(message: str) -> CutError:
    """Return the error for a request without a key that is good for it."""
    return CutError("unauthorized", message, retry_after=1)
