"""Which addresses are on the public internet.

Owns the table, so that the answer is the same with every Python: the standard library's own changes with its versions.

Source: IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890), with the RFC of each row beside it.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_INSIDE_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network, RFC 791
            "10.0.0.0/8",  # private, RFC 1918
            "100.64.0.0/10",  # between providers and their customers, RFC 6598; some clouds' metadata
            "127.0.0.0/8",  # loopback, RFC 1122
            "168.63.129.16/32",  # the host of a virtual machine of Azure
            "169.254.0.0/16",  # of a link, RFC 3927; the metadata of most clouds
            "172.16.0.0/12",  # private, RFC 1918
            "192.0.0.0/24",  # protocols, RFC 6890; some clouds' metadata
            "192.0.2.0/24",  # documentation, RFC 5737
            "192.88.99.0/24",  # relays of 6to4, RFC 7526
            "192.168.0.0/16",  # private, RFC 1918
            "198.18.0.0/15",  # benchmarks, RFC 2544
            "198.51.100.0/24",  # documentation, RFC 5737
            "203.0.113.0/24",  # documentation, RFC 5737
            "224.0.0.0/4",  # multicast, RFC 5771
            "240.0.0.0/4",  # reserved, RFC 1112, and broadcast, RFC 919
        ),
    )
)
_UNICAST_IPV6 = IPv6Network("2000::/3")  # all that IANA has given out, RFC 4291
_INSIDE_IPV6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols, RFC 2928: Teredo, benchmarks, ORCHID, which serve no photos
            "2001:db8::/32",  # documentation, RFC 3849
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)
_NAT64, _6TO4 = IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16")  # RFC 6052, RFC 3056
_ISATAP = {0x00005EFE, 0x02005EFE}  # the upper half of an interface, RFC 5214


def is_public(address: str) -> bool:
    """Return whether an address, as `getaddrinfo` writes it, is one of a host on the public internet."""
    if "%" in address:  # of one link
        return False
    ip = ipaddress.ip_address(address)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _INSIDE_IPV4)
    inner = _inner(ip)
    if inner is not None and not is_public(str(inner)):
        return False
    if ip.ipv4_mapped is not None or ip in _NAT64:
        return True
    return ip in _UNICAST_IPV6 and not any(ip in network for network in _INSIDE_IPV6)


def _inner(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to this one are sent on to."""
    number = int(ip)
    if ip.ipv4_mapped is not None or ip in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return IPv4Address((number >> 80) & 0xFFFFFFFF) if ip in _6TO4 else None
