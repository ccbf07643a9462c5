from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from gateway.body import unpacked
from objectcut.errors import CutError

PLAIN = b'{"image_url": "https://example.org/cat.jpg"}' * 100
LIMIT = len(PLAIN)


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("", PLAIN),
        ("identity", PLAIN),
        ("gzip", gzip.compress(PLAIN)),
        ("x-gzip", gzip.compress(PLAIN)),
        (" GZIP , identity", gzip.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", bare_deflate(PLAIN)),
    ],
)
def test_a_body_is_unpacked(encoding: str, sent: bytes):
    assert unpacked(sent, encoding, LIMIT) == PLAIN


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "br, gzip", "nonsense", "gzip;q=1"])
def test_another_encoding_is_refused_by_name(encoding: str):
    with pytest.raises(CutError) as caught:
        unpacked(gzip.compress(PLAIN), encoding, LIMIT)
    assert caught.value.status == 415
    assert f"'Content-Encoding: {encoding}'" in caught.value.message
    assert caught.value.details == {"header": "Content-Encoding", "accepted": ["gzip", "deflate"]}


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", PLAIN),
        ("gzip", b""),
        ("gzip", gzip.compress(PLAIN)[:-1]),
        ("gzip", gzip.compress(PLAIN)[:50]),
        ("gzip", gzip.compress(PLAIN) + b"x"),
        ("gzip", gzip.compress(PLAIN)[:-8] + bytes(8)),
        ("gzip", zlib.compress(PLAIN)),
        ("deflate", gzip.compress(PLAIN)),
        ("deflate", b"\x78"),
        ("deflate", zlib.compress(PLAIN)[:-1]),
    ],
)
def test_a_damaged_body_is_refused(encoding: str, sent: bytes):
    with pytest.raises(CutError, match=f"The body is not {encoding}, as its Content-Encoding says") as caught:
        unpacked(sent, encoding, LIMIT)
    assert caught.value.code == "invalid_request"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", bare_deflate)])
def test_a_bomb_stops_at_the_limit(encoding: str, pack):
    with pytest.raises(CutError) as caught:
        unpacked(pack(PLAIN + b"x"), encoding, LIMIT)
    assert (caught.value.code, caught.value.details) == ("body_too_large", {"max_bytes": LIMIT})
    bomb = pack(bytes(200_000_000))
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(CutError):
        unpacked(bomb, encoding, 1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()
