"""When a photo is given up because processes died with it."""

from __future__ import annotations

from bulk.watch import Watch


def test_a_death_is_counted_for_every_photo_that_was_in_the_process():
    watch = Watch()
    assert watch.begin("draw", ["a", "b"]) == {}
    watch.end("draw", ["a"])
    assert watch.begin("draw", ["a", "b", "c"]) == {"b": 1}
    assert watch.begin("detect", ["b"]) == {}


def test_photos_that_were_put_back_died_with_nobody():
    watch = Watch()
    watch.begin("draw", ["a", "b"])
    assert watch.begin("draw", ["a", "b"]) == {"a": 1, "b": 1}
    watch.put_back("draw", ["a", "b"])
    assert watch.begin("draw", ["b"]) == {"b": 1}
    assert watch.begin("draw", ["b"]) == {"b": 2}
    watch.end("draw", ["b"])
    assert watch.begin("draw", ["b"]) == {}
