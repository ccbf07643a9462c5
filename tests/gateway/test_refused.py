"""Which photos are refused, and for how long."""

from __future__ import annotations

import pytest

from gateway import refused
from gateway.refused import Refused, digest_of
from objectcut.errors import CutError
from objectcut.request import parse
from objectcut.settings import Settings


def digest(photo: bytes, **options: object) -> bytes:
    return digest_of(parse.from_values({"image_file": photo, **options}, "cut", Settings()))


def code(refusing: Refused, digest: bytes) -> str:
    """The error's code; nothing for a photo that is not refused."""
    try:
        refusing.check(digest)
    except CutError as error:
        return error.code
    return ""


def test_a_photo_is_known_whatever_is_asked_of_it() -> None:
    refusing = Refused()
    refusing.add(digest(b"deadly"), to_blame=True)
    assert code(refusing, digest(b"deadly", objects=["cat"], crop=True)) == "unreadable_image"
    assert not code(refusing, digest(b"harmless"))
    assert not code(refusing, digest(b"deadly", background_image=b"another picture"))


def test_it_is_forgotten_after_minutes_and_sooner_where_it_may_be_innocent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(refused.time, "monotonic", lambda: now)
    refusing = Refused()
    refusing.add(b"to blame", to_blame=True)
    error = refusing.add(b"a suspect", to_blame=False)
    assert (error.code, error.headers["Retry-After"]) == ("not_ready", "60")
    now += 50
    assert code(refusing, b"a suspect") == "not_ready"
    now += 50
    assert not code(refusing, b"a suspect")
    now += 450
    assert code(refusing, b"to blame") == "unreadable_image"
    now += 100
    assert not code(refusing, b"to blame")
    assert not refusing


def test_there_are_never_more_than_a_thousand() -> None:
    refusing = Refused()
    for number in range(1500):
        refusing.add(str(number).encode(), to_blame=True)
    assert sum(bool(code(refusing, str(number).encode())) for number in range(1500)) == 1000
    assert code(refusing, b"1499")
