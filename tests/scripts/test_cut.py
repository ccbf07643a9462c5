"""The command line, against the real server."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from conftest import ROOT, Server, encoded, wait_until
from PIL import Image

from cut import photos

pillow_heif.register_heif_opener()


def cut(*arguments: str | Path, server: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(ROOT / "scripts" / "cut.py"), "--server", server, *map(str, arguments)]
    env = {**os.environ, "COLUMNS": "400"}
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False, env=env)


@pytest.fixture
def album(tmp_path: Path, chelsea: Image.Image, astronaut: Image.Image) -> Path:
    """Two good photos, one of them in a subfolder, one empty, one broken, and a text that is no photo at all."""
    folder = tmp_path / "album"
    (folder / "pets").mkdir(parents=True)
    chelsea.save(folder / "pets" / "cat.jpg")
    astronaut.save(folder / "woman.png")
    (folder / "[red].png").write_bytes(b"")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_a_photo_gets_its_cut_out_beside_it(album: Path, server: Server) -> None:
    done = cut(album / "pets" / "cat.jpg", "--objects", "cat", server=server.url)
    assert done.returncode == 0, done.stderr
    with Image.open(album / "pets" / "cat-cut.png") as image:
        alpha = np.asarray(image)[..., 3]
    assert (alpha[120:260, 150:330] == 255).all()
    assert not alpha[0:60, 420:].any()


def test_a_folder_goes_on_past_a_bad_photo(album: Path, server: Server, tmp_path: Path) -> None:
    out = tmp_path / "cuts"
    done = cut(album, "--objects", "cat,person", "--out", out, "--crop", server=server.url)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == [
        "pets/cat-cut.png",
        "woman-cut.png",
    ]
    assert "broken.jpg: The photo cannot be read" in said
    assert "[red].png: 'image_file' is empty" in said
    assert "Files left out that are no photos: 1" in said
    assert "2 cut, 2 failed" in said


def test_two_photos_of_one_name_get_two_cut_outs(tmp_path: Path, chelsea: Image.Image, server: Server) -> None:
    for ending in ("jpg", "png"):
        chelsea.save(tmp_path / f"cat.{ending}")
    assert cut(tmp_path, "--objects", "cat", server=server.url).returncode == 0
    assert {path.name for path in tmp_path.glob("*-cut.png")} == {"cat-cut.png", "cat.png-cut.png"}


def test_every_option_reaches_the_server(tmp_path: Path, chelsea: Image.Image, server: Server) -> None:
    """All at once: the cat is taken by its place in the photo, and everything but it lies on another picture."""
    chelsea.save(tmp_path / "cat.png")
    Image.new("RGB", (9, 9), "lime").save(tmp_path / "lime.png")
    choice = [
        "--objects",
        "cat",
        "--min-score",
        "0.3",
        "--pick",
        "best",
        "--point",
        "220,200",
        "--roi",
        "100,50,400,290",
    ]
    look = ["--invert", "--crop", "--margin", "10", "--max-size", "200", "--background-image", tmp_path / "lime.png"]
    done = cut(tmp_path / "cat.png", *choice, *look, "--output", "image", "--jobs", "1", server=server.url)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "cat-cut.png") as image:
        assert max(image.size) == 200
        assert image.getpixel((100, 60)) == (0, 255, 0)
        assert image.getpixel((1, 1)) == (0, 255, 0)  # the margin
    wrong = cut(tmp_path / "cat.png", "--objects", "cat", "--pick", "7", server=server.url)
    assert b"with those ids" in wrong.stderr


def test_a_box_needs_no_name(tmp_path: Path, chelsea: Image.Image, server: Server) -> None:
    chelsea.save(tmp_path / "thing.png")
    done = cut(tmp_path / "thing.png", "--box", "90,10,430,300", "--output", "mask", server=server.url)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "thing-cut.png") as mask:
        assert (mask.getpixel((250, 150)), mask.getpixel((20, 20))) == (255, 0)


def test_a_pipe_takes_bytes_and_gives_bytes(chelsea: Image.Image, server: Server) -> None:
    done = cut(
        "-", "--objects", "cat", "--format", "jpeg", "--background", "navy", server=server.url, stdin=encoded(chelsea)
    )
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.format == "JPEG"
        red, green, blue = image.getpixel((440, 20))
    assert blue > 100 > red + green


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--objects", "kat"], 1, "Did you mean 'cat'?"),
        (["--objects", "bus"], 1, "The photo shows: cat."),
        (["--min-score", "7"], 1, "'min_score'"),
    ],
)
def test_the_server_says_what_is_wrong(
    arguments: list[str], status: int, words: str, album: Path, server: Server
) -> None:
    done = cut(album / "pets" / "cat.jpg", *arguments, server=server.url)
    assert done.returncode == status
    assert words in done.stderr.decode()


def test_no_server_and_no_photo_are_other_failures(tmp_path: Path, album: Path) -> None:
    unreachable = cut(album, server="http://127.0.0.1:1")
    assert unreachable.returncode == 2
    assert "make serve" in unreachable.stderr.decode()
    (tmp_path / "empty").mkdir()
    assert cut(tmp_path / "empty", server="http://127.0.0.1:1").returncode == 2


def test_without_a_server_comes_the_same_picture(album: Path, server: Server, tmp_path: Path) -> None:
    options = [album / "pets" / "cat.jpg", "--objects", "cat", "--crop", "--format", "webp"]
    for way in ("local", "server"):
        there = server.url if way == "server" else "http://127.0.0.1:1"
        done = cut(*options, "--out", tmp_path / way, *(["--local"] if way == "local" else []), server=there)
        assert done.returncode == 0, done.stderr
    local, served = (Image.open(tmp_path / way / "cat-cut.webp") for way in ("local", "server"))
    assert local.mode == "RGBA"
    assert np.abs(np.asarray(local, float) - np.asarray(served, float)).max() <= 2  # threads sum in another order


def test_without_a_server_a_bad_photo_does_not_stop_the_others(album: Path, tmp_path: Path) -> None:
    done = cut(album, "--objects", "cat,person", "--out", tmp_path / "cuts", "--local", server="")
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "broken.jpg: The photo cannot be read" in said
    assert "2 cut, 2 failed" in said


def test_a_model_that_is_not_there_is_told_before_any_photo(album: Path) -> None:
    done = cut(album, "--local", "--model", "mine.safetensors", server="")
    assert done.returncode == 2
    assert "there is no model file mine.safetensors" in done.stderr.decode()


def test_a_photo_in_a_folder_is_known_by_what_it_is(tmp_path: Path, chelsea: Image.Image) -> None:
    """Whatever its ending is, and not by the hidden file that macOS puts beside it."""
    small = chelsea.resize((60, 40))
    kinds = {"jfif": "JPEG", "jpe": "JPEG", "hif": "HEIF", "apng": "PNG", "JPG": "JPEG", "dat": "WEBP", "txt": "GIF"}
    for ending, kind in kinds.items():
        (tmp_path / f"photo.{ending}").write_bytes(encoded(small, kind))
    (tmp_path / "without an ending").write_bytes(encoded(small, "TIFF"))
    (tmp_path / "broken.jpg").write_bytes(b"")
    for name, content in {
        "._photo.jpg": b"\0\5\x16\7\0\2\0\0Mac OS X",
        ".hidden.png": encoded(small),
        ".git/photo.png": encoded(small),
        "__MACOSX/._photo.jpg": b"\0\5\x16\7",
        "photo-cut.png": encoded(small),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for name, content in {"notes.txt": b"notes", "drawing.svg": b"<svg/>", "clip.mp4": b"\0\0\0\x18ftypmp42"}.items():
        (tmp_path / name).write_bytes(content)
    found, others = photos([tmp_path])
    assert {file.name for file in found} == {
        *(f"photo.{ending}" for ending in kinds),
        "without an ending",
        "broken.jpg",
    }
    assert found == sorted(found)
    assert others == 3
    assert photos([tmp_path / "notes.txt", tmp_path / "._photo.jpg", *found[:1] * 2])[0] == [
        tmp_path / "notes.txt",
        tmp_path / "._photo.jpg",
        found[0],
    ]


def test_a_named_file_that_is_no_photo_is_said_to_be_none(album: Path, server: Server) -> None:
    done = cut(album / "notes.txt", album / "pets" / "cat.jpg", "--objects", "cat", server=server.url)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "notes.txt: The photo cannot be read" in said
    assert "1 cut, 1 failed" in said


def test_what_appears_in_a_watched_folder_is_cut(tmp_path: Path, chelsea: Image.Image, server: Server) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    chelsea.save(inbox / "before.jpg")
    command = [sys.executable, str(ROOT / "scripts" / "cut.py"), "--server", server.url, "--watch", str(inbox)]
    # A shell has what it starts in the background ignore Ctrl-C, and so would this.
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen([*command, "--pick", "main"], stderr=subprocess.PIPE, preexec_fn=heeded) as watching:
        try:
            wait_until((inbox / "before-cut.png").exists, 60, "what was there")
            (inbox / "broken.jpg").write_bytes(b"\xff\xd8\xff")
            chelsea.save(inbox / "later.jpg")
            wait_until((inbox / "later-cut.png").exists, 60, "what came later")
        finally:
            watching.send_signal(signal.SIGINT)
            said = watching.communicate(timeout=60)[1].decode()
    assert watching.returncode == 130
    assert said.count("broken.jpg: ") <= 1
    assert {path.name for path in inbox.glob("*-cut.png")} == {"before-cut.png", "later-cut.png"}


def test_a_mistake_of_many_photos_is_said_once(tmp_path: Path, chelsea: Image.Image, server: Server) -> None:
    for number in range(7):
        chelsea.save(tmp_path / f"cat{number}.png")
    said = cut(tmp_path, "--min-score", "7", server=server.url).stderr.decode()
    assert said.count("'min_score'") == 1
    assert "cat4.png and 2 more: " in said
    assert "0 cut, 7 failed" in said


@pytest.mark.parametrize("arguments", [[], ["photo.jpg", "--watch", "."], ["--watch", "missing"]])
def test_photos_or_a_folder_to_watch(arguments: list[str]) -> None:
    assert cut(*arguments, server="http://127.0.0.1:1").returncode == 2
