from __future__ import annotations

import os
from pathlib import Path

from arrivals import Arrivals, is_newer


def test_a_file_counts_once_it_is_whole_and_again_when_it_changed(tmp_path: Path) -> None:
    arrivals, photo = Arrivals(), tmp_path / "photo.jpg"
    photo.write_bytes(b"half")
    assert arrivals.look([photo]) == []
    photo.write_bytes(b"half and the rest")  # somebody still writes it
    assert arrivals.look([photo]) == []
    assert arrivals.look([photo]) == [photo]
    assert arrivals.look([photo]) == [photo]  # as long as nobody says that it is done
    arrivals.done(photo)
    assert arrivals.look([photo]) == []
    photo.write_bytes(b"another")
    assert arrivals.look([photo]) == []
    assert arrivals.look([photo]) == [photo]


def test_a_file_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert Arrivals().look([tmp_path / "gone.jpg"]) == []


def test_what_has_a_later_cut_out_is_finished(tmp_path: Path) -> None:
    photo, cut = tmp_path / "photo.jpg", tmp_path / "photo-cut.png"
    photo.touch()
    assert is_newer(photo, [])
    cut.touch()
    os.utime(photo, (1, 1))
    assert not is_newer(photo, [cut])
    os.utime(cut, (0, 0))
    assert is_newer(photo, [cut])
