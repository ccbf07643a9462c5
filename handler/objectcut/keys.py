"""Keys of those who may change a server, and of those who may call it: a file of hashes, which gives no key away.

A key is made of 256 random bits, so its plain SHA-256 can neither be guessed nor looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

_PREFIX = "oc_"  # tells people and programs that look for leaked secrets what it is
_BYTES = 32
_HASH = re.compile(r"[0-9a-f]{64}")


Role = Literal["admin", "caller"]
"""What a key is good for: changing the models, or sending photos. A key of one role is of no use for the other."""
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Keys:
    """SHA-256 of keys, in hexadecimal, by the names of their owners, by role."""

    hashes: Mapping[Role, Mapping[str, str]]

    @classmethod
    def read(cls, path: Path) -> Keys:
        """Return the keys in a file; none where there is no file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not such a file.
        """
        wrong = ValueError(f"{path} does not hold keys as scripts/keys.py writes them")
        try:
            told = json.loads(path.read_text())
        except FileNotFoundError:
            return NONE
        except (ValueError, RecursionError):
            raise wrong from None
        if not isinstance(told, dict) or not told.keys() & set(ROLES):
            raise wrong
        hashes = {role: told.get(role, {}) for role in ROLES}
        for owners in hashes.values():
            if not isinstance(owners, dict):
                raise wrong
            if not all(isinstance(each, str) and _HASH.fullmatch(each) for each in owners.values()):
                raise wrong
        return cls(hashes)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all, for this user alone."""
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({role: dict(owners) for role, owners in self.hashes.items()}, file)
        part.replace(path)

    def owners(self, role: Role) -> list[str]:
        """Return who has a key of this role."""
        return list(self.hashes[role])

    def with_key(self, name: str, key: str, role: Role) -> Keys:
        """Return these keys and one more, or another one for a name that is there."""
        return self._with(role, {**self.hashes[role], name: _hashed(key)})

    def without(self, name: str, role: Role) -> Keys:
        """Return the other keys."""
        return self._with(role, {each: hashed for each, hashed in self.hashes[role].items() if each != name})

    def owner(self, key: str, role: Role) -> str | None:
        """Return whose key it is; None when it is nobody's. Takes as long for a wrong key as for a right one."""
        hashed, owner = _hashed(key), None
        for name, known in self.hashes[role].items():
            if hmac.compare_digest(hashed, known):
                owner = name
        return owner

    def _with(self, role: Role, owners: Mapping[str, str]) -> Keys:
        return Keys({**self.hashes, role: owners})


NONE = Keys({role: {} for role in ROLES})


def new_key() -> str:
    """Return a new key, printable ASCII."""
    return f"{_PREFIX}{secrets.token_urlsafe(_BYTES)}"


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
