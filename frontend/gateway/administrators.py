"""Who may change the models: callers with an admin key that scripts/keys.py made."""

from __future__ import annotations

from starlette.requests import Request

from gateway.keyfile import KeyFile, key_of, unauthorized


class Administrators:
    """The owners of admin keys, as the file names them now.

    Args:
        file: of the keys.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file

    def check(self, request: Request) -> str:
        """Return whose key a request has.

        Raises:
            CutError: `unauthorized`.
        """
        keys = self._file.keys()
        if not keys.owners("admin"):
            raise unauthorized(
                "This server has no admin keys yet. Who runs it makes one: .venv/bin/python scripts/keys.py add NAME"
            )
        given = key_of(request)
        if given is None:
            raise unauthorized("This call needs an admin key: send the header 'Authorization: Bearer KEY'.")
        owner = keys.owner(given, "admin")
        if owner is None:
            raise unauthorized("This admin key is not one of this server's, or not any more.")
        return owner
