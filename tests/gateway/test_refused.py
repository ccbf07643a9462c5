"""Which photos are refused, and for how long."""

from __future__ import annotations

import pytest

from gateway import refused
from gateway.refused import Refused, digest_of
from objectcut.request import parse
from objectcut.settings import Settings


def digest(photo: bytes, **options: object) -> bytes:
    return digest_of(parse.from_values({"image_file": photo, **options}, "cut", Settings()))


def test_a_photo_is_known_whatever_is_asked_of_it() -> None:
    refusing = Refused()
    refusing.add(digest(b"deadly"))
    assert digest(b"deadly", objects=["cat"], crop=True) in refusing
    assert digest(b"harmless") not in refusing
    assert digest(b"deadly", background_image=b"another picture") not in refusing


def test_it_is_forgotten_after_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(refused.time, "monotonic", lambda: now)
    refusing = Refused()
    refusing.add(b"first")
    now += 300
    refusing.add(b"second")
    assert b"first" in refusing
    now += 400
    assert b"first" not in refusing
    assert b"second" in refusing
    now += 400
    assert not refusing


def test_there_are_never_more_than_a_thousand() -> None:
    refusing = Refused()
    for number in range(1500):
        refusing.add(str(number).encode())
    assert sum(str(number).encode() in refusing for number in range(1500)) == 1000
    assert b"1499" in refusing
