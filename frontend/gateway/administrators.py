"""Who may change the models: callers with a key that scripts/keys.py made."""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.requests import Request

from gateway.changingfile import ChangingFile
from objectcut.errors import CutError
from objectcut.keys import Keys

logger = logging.getLogger(__name__)
_SCHEME = "bearer "


class Administrators:
    """The owners of keys, as the file names them now.

    Args:
        path: of the file; None where there is none.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else ChangingFile(path)
        self._keys: Keys | None = Keys({})

    def check(self, request: Request) -> str:
        """Return whose key a request has.

        Raises:
            CutError: `unauthorized`.
        """
        keys = self._known()
        if keys is None:
            raise _unauthorized("The server's admin keys cannot be read. Who runs it finds the cause in its log.")
        if not keys.hashes:
            raise _unauthorized(
                "This server has no admin keys yet. Who runs it makes one: .venv/bin/python scripts/keys.py add NAME"
            )
        given = request.headers.get("authorization", "")
        if not given.lower().startswith(_SCHEME):
            raise _unauthorized("This call needs an admin key: send the header 'Authorization: Bearer KEY'.")
        owner = keys.owner(given[len(_SCHEME) :].strip())
        if owner is None:
            raise _unauthorized("This admin key is not one of this server's, or not any more.")
        return owner

    def _known(self) -> Keys | None:
        """Return the keys; None when they cannot be read, and none is good."""
        if self._file is None:
            return self._keys
        try:
            if self._file.changed():
                self._keys = None
                self._keys = Keys.read(self._file.path)
        except FileNotFoundError:
            self._keys = Keys({})
        except (OSError, ValueError):
            self._keys = None
            logger.exception("The keys in %s cannot be read", self._file.path)
        return self._keys


def _unauthorized(message: str) -> CutError:
    return CutError("unauthorized", message, retry_after=1)
