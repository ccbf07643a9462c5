from __future__ import annotations

import pytest

from objectcut.photo.addresses import is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("2a00:1450:4001:80b::200e", True),
        ("::ffff:8.8.8.8", True),  # IPv4 in IPv6: mapped, NAT64, 6to4, ISATAP
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("2606:4700::5efe:808:808", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::1", False),
        ("2606:4700::5efe:7f00:1", False),
        ("2606:4700::200:5efe:a00:1", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),  # Teredo of 127.0.0.1
        ("2001:0:a00:1::1", False),  # Teredo with a server inside
        ("64:ff9b:1::7f00:1", False),
        ("::7f00:1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("100.63.255.255", True),
        ("100.128.0.0", True),
        ("168.63.129.16", False),
        ("168.63.129.15", True),
        ("172.15.255.255", True),
        ("172.32.0.0", True),
        ("192.0.0.10", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("198.20.0.0", True),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("2606:4700::1111%eth0", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("2001:db8::1", False),
        ("3fff:fff::1", False),
        ("4000::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool):
    assert is_public(address) is public
