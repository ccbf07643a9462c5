"""How long photos are known again, and how many."""

from __future__ import annotations

import pickle
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from conftest import wait_until

from objectcut.errors import CutError
from objectcut.network.detector import Sight
from objectcut.photo.decode import Photo, Preview
from objectcut.recent import RecentPhoto, RecentPhotos

SIZE = 30_000  # bytes of a photo and its preview


def photo() -> RecentPhoto:
    whole: Future[Photo] = Future()
    whole.set_result(Photo(np.zeros((50, 100, 3), np.uint8)))
    return RecentPhoto(Preview(np.zeros((50, 100, 3), np.uint8), 100, 50), whole)


def ask(photos: RecentPhotos, *names: bytes) -> list[bytes]:
    """Ask about some photos, one after the other; those that were not known."""
    unknown: list[bytes] = []
    for name in names:
        photos.recall(name, lambda name=name: unknown.append(name) or photo())  # type: ignore[misc]
        photos.trim()
    return unknown


def test_those_that_nobody_asked_about_for_longest_go_first():
    photos = RecentPhotos(2 * SIZE, 1000, lambda: None)
    assert ask(photos, b"a", b"b", b"a", b"c", b"a", b"b") == [b"a", b"b", b"c", b"b"]


def test_what_the_network_saw_is_let_go_with_its_photo_though_a_request_still_has_that():
    photos = RecentPhotos(SIZE, 1000, lambda: None)
    first = photos.recall(b"a", photo)
    assert first.kept
    first.sight = cast(Sight, SimpleNamespace(nbytes=1))
    ask(photos, b"b")
    assert (first.kept, first.sight) == (False, None)
    first.remember(cast(Sight, SimpleNamespace(nbytes=1)))
    assert first.sight is None


def test_one_that_is_too_large_is_not_kept():
    photos = RecentPhotos(SIZE - 1, 1000, lambda: None)
    assert ask(photos, b"a", b"a") == [b"a", b"a"]


def test_after_their_time_they_are_gone_though_nobody_asks_and_the_memory_is_given_back():
    tidied: list[bool] = []
    photos = RecentPhotos(10 * SIZE, 2.0, lambda: tidied.append(True))
    assert ask(photos, b"a") == [b"a"]
    time.sleep(0.1)
    assert ask(photos, b"a") == []  # asked about again, it stays for longer
    wait_until(lambda: bool(tidied), 20, "the end of its time")
    assert ask(photos, b"a") == [b"a"]


@pytest.mark.parametrize(("size", "seconds"), [(0, 100), (SIZE, 0)])
def test_nothing_is_kept_where_that_is_switched_off(size: int, seconds: float):
    photos = RecentPhotos(size, seconds, lambda: None)
    assert ask(photos, b"a", b"a") == [b"a", b"a"]


def test_a_photo_that_cannot_be_read_is_not_known():
    photos = RecentPhotos(SIZE, 100, lambda: None)

    def unreadable() -> RecentPhoto:
        raise CutError("unreadable_image", "It cannot be read.")

    with pytest.raises(CutError):
        photos.recall(b"a", unreadable)
    assert ask(photos, b"a") == [b"a"]


@pytest.mark.parametrize("state", ["decoded", "later", "broken", "being decoded"])
def test_a_photo_goes_to_another_process_as_far_as_it_is_decoded(state: str):
    whole: Future[Photo] | None = None if state == "later" else Future()
    if state == "decoded":
        whole = photo().photo
    elif state == "broken":
        whole.set_exception(CutError("unreadable_image", "No."))
    there = pickle.loads(pickle.dumps(RecentPhoto(Preview(np.ones((5, 4, 3), np.uint8), 40, 50), whole, kept=True)))
    assert (there.preview.width, there.preview.height, there.preview.pixels.sum()) == (40, 50, 60)
    assert not there.kept
    assert (there.photo is not None) == (state == "decoded")
    if state == "decoded":
        assert there.photo.result().pixels.shape == (50, 100, 3)
