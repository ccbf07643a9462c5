"""Who sends photos: the owner of a caller key, or an address. Where keys are needed, nobody without one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from starlette.requests import Request

from gateway.keyfile import KeyFile, key_of, unauthorized

_IPV6_PREFIX = 64  # bits; what lies behind is one customer's, who has all these addresses


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    Attributes:
        owner: of its key; None without one.
        address: where it came from, behind the proxies that are trusted; of IPv6, the network.
    """

    owner: str | None
    address: str

    @property
    def name(self) -> str:
        """What to call it in logs and limits."""
        return f"address {self.address}" if self.owner is None else f"key {self.owner}"


class Callers:
    """The owners of caller keys, as the file names them now.

    Args:
        file: of the keys.
        need_keys: whether nobody may call without one.
    """

    def __init__(self, file: KeyFile, need_keys: bool) -> None:
        self._file = file
        self._need_keys = need_keys

    def check(self, request: Request) -> Caller:
        """Return who sent a request.

        Raises:
            CutError: `unauthorized`: it has a wrong key, or none where one is needed.
        """
        address = sender_of(request.client.host if request.client else "")
        given = key_of(request)
        if given is None:
            if self._need_keys:
                raise unauthorized(
                    "This server wants a key: send the header 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'. "
                    "Who runs it makes one: .venv/bin/python scripts/keys.py add --caller NAME"
                )
            return Caller(None, address)
        owner = self._file.keys().owner(given, "caller")
        if owner is None and self._need_keys:
            raise unauthorized("This key is not one of this server's for sending photos, or not any more.")
        return Caller(owner, address)


def sender_of(address: str) -> str:
    """Return what all addresses of one sender have in common: of IPv6 its network, else the address itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False)) if ip.version == 6 else address
