"""Bulk jobs on a real Ray, which are killed, lose processes and lose a machine."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT, processes, wait_until
from PIL import Image, ImageOps

from child import die_with_parent
from objectcut import Pipeline
from rundir import free_port

ray = pytest.importorskip("ray", reason="Ray is not installed, which only bulk jobs need")
import pyarrow.parquet as pq  # noqa: E402  # comes with Ray

NOT_NICE = {"RAY_worker_niceness": "0"}  # Ray's workers would else wait for the other tests
RUN_S = 240  # for a whole job on a busy machine; it takes 15
SCRIPT = ROOT / "scripts" / "cut_many.py"


@pytest.fixture
def album(tmp_path: Path, chelsea: Image.Image) -> Path:
    """Twelve photos of a cat, six names of which occur twice, and three files that cannot be cut."""
    folder = tmp_path / "album"
    (folder / "pets").mkdir(parents=True)
    for number in range(6):
        chelsea.crop((number, 0, 451, 300)).save(folder / f"{number}.png")
        ImageOps.mirror(chelsea).crop((number, 0, 451, 300)).save(folder / "pets" / f"{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "empty.png").write_bytes(b"")
    Image.new("RGB", (80, 60), "white").save(folder / "0.jpg")
    (folder / "notes.txt").write_text("not a photo")
    return folder


class Job:
    """One run of the program, with all processes that it starts."""

    def __init__(self, mark: Path, *arguments: str | Path, **env: str) -> None:
        self.mark = mark
        self._said = mark.with_suffix(".said")
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, str(SCRIPT), *map(str, arguments)],
                env={**os.environ, **NOT_NICE, "OBJECTCUT_RUN_DIR": str(mark), **env},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                preexec_fn=die_with_parent,
            )

    def said(self) -> str:
        return self._said.read_text()

    def wait(self) -> int:
        return self.process.wait(RUN_S)

    def workers(self) -> list[psutil.Process]:
        return [process for process in processes(self.mark) if process.name().startswith("ray::Map")]

    def gone(self) -> None:
        wait_until(lambda: not processes(self.mark), 30, "the end of all processes")


def cut_outs(out: Path) -> dict[str, int]:
    """Finished files by their paths, with the time of each."""
    found = [path for path in out.rglob("*-cut.*") if ".objectcut" not in path.parts]
    return {path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in found}


GOOD = {f"{number}.png-cut.webp" for number in range(6)} | {f"pets/{number}.jpg-cut.webp" for number in range(6)}
BAD = {"broken.jpg": "unreadable_image", "empty.png": "invalid_request", "0.jpg": "object_not_found"}


def check(album: Path, out: Path) -> None:
    """Every photo is in the table once and every cut-out is there, whole."""
    lines = pq.read_table(out / "found.parquet").to_pylist()
    paths = [Path(line["path"]).relative_to(album).as_posix() for line in lines]
    assert len(paths) == len(set(paths)) == len(GOOD) + len(BAD)
    by_path = dict(zip(paths, lines, strict=True))
    assert {path: line["code"] for path, line in by_path.items() if line["code"]} == BAD
    assert {line["result"] for line in lines if line["result"]} == set(cut_outs(out)) == GOOD
    for path, line in by_path.items():
        if path not in BAD:
            assert [each["label"] for each in line["objects"]] == ["cat"]
            assert line["model"] == "objectcut-bundled"
            with Image.open(out / line["result"]) as image:
                assert image.convert("RGBA").getpixel((200, 200))[3] == 255
    assert not list((out / ".objectcut" / "parts").iterdir())


@pytest.mark.alone
def test_a_job_that_is_killed_goes_on_where_it_was(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [album, "--out", out, "--objects", "cat", "--format", "webp"]
    first = Job(tmp_path / "first", *command, OBJECTCUT_THREADS="1")
    wait_until(lambda: len(cut_outs(out)) >= 2 or first.process.poll() is not None, RUN_S, "two cut-outs")
    for worker in first.workers():  # not even noticed
        worker.kill()
    seen = set(cut_outs(out))
    wait_until(lambda: set(cut_outs(out)) - seen or first.process.poll() is not None, RUN_S, "another cut-out")
    first.process.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL, first.said()
    first.gone()
    before = cut_outs(out)
    assert len(before) < len(GOOD)

    second = Job(tmp_path / "second", *command)
    assert second.wait() == 1, second.said()
    second.gone()
    check(album, out)
    again = [name for name, when in before.items() if cut_outs(out)[name] != when]
    assert len(again) <= 8  # those of the batch that the worker had in its hands
    assert "Files left out that are no photos: 1" in second.said()
    assert "broken.jpg: The photo cannot be read" in second.said()
    assert "12 cut, 3 failed" in second.said()
    with Image.open(out / "0.png-cut.webp") as image:
        made = np.asarray(image.convert("RGBA"), float)
    expected = Pipeline.load("bundled").cut(album / "0.png", ["cat"]).pixels
    assert np.abs(made[..., 3] - expected[..., 3]).mean() <= 1  # threads sum in another order, in bf16

    third = Job(tmp_path / "third", *command)
    assert third.wait() == 1
    assert "Finished already: 15" in third.said()
    other = Job(tmp_path / "other", album, "--out", out, "--objects", "dog")
    assert other.wait() == 2
    assert "another job, with other options" in other.said()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A cluster of three: the address of the first, which has no core to work on, and what programs need to know."""
    port = free_port()
    env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    started: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(name: str, *arguments: str) -> None:
        """Start a machine, again if need be: its parts get 30 s, in which a busy computer may not have the time."""
        folder, log = tmp_path / name, tmp_path / f"{name}.log"
        command = [Path(sys.executable).with_name("ray"), "start", "--block"]
        for _ in range(5):
            with log.open("wb") as said:
                process = subprocess.Popen(
                    [*map(str, command), "--object-store-memory=100000000", "--disable-usage-stats", *arguments],
                    env={**os.environ, **NOT_NICE, **env, "OBJECTCUT_RUN_DIR": str(folder)},
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    preexec_fn=die_with_parent,
                )
            started.append((process, folder))
            wait_until(lambda: b"runtime started" in log.read_bytes() or process.poll() is not None, RUN_S, "a machine")  # noqa: B023
            if process.poll() is None:
                return
        pytest.fail(log.read_text())

    address = f"127.0.0.1:{port}"
    try:
        start("head", "--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=0")
        for name in ("left", "right"):
            start(name, f"--address={address}", "--node-ip-address=127.0.0.1", "--num-cpus=1")
        yield address, env
    finally:
        for process, folder in started:
            for each in processes(folder):
                each.kill()
            process.wait()


@pytest.mark.alone
def test_a_machine_that_dies_takes_no_photo_with_it(album: Path, tmp_path: Path, machines) -> None:
    address, env = machines
    out = tmp_path / "out"
    command = [album, "--out", out, "--objects", "cat", "--format", "webp", "--address", address]
    job = Job(tmp_path / "job", *command, **env)

    def working(name: str) -> bool:
        return any(
            "_done" not in each.name() and each.name().startswith("ray::Map") for each in processes(tmp_path / name)
        )

    wait_until(
        lambda: (len(cut_outs(out)) >= 3 and working("left")) or job.process.poll() is not None, RUN_S, "three cut-outs"
    )
    assert job.process.poll() is None, job.said()
    for each in processes(tmp_path / "left"):
        each.kill()
    assert job.wait() == 1, job.said()
    check(album, out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "There is no"),
        (["empty"], "No photo found"),
        (["album", "--objects", "kat"], "Did you mean"),
        (["album", "--model", "mine.safetensors"], "no model file mine.safetensors"),
        (["album", "--background", "octarine"], "'background' must be"),
    ],
)
@pytest.mark.usefixtures("album")
def test_a_wrong_call_is_told_before_ray_starts(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "empty").mkdir()
    source, *options = arguments
    job = Job(tmp_path / "job", tmp_path / source, "--out", tmp_path / "out", *options)
    assert job.wait() == 2
    assert words in job.said()
    assert not (tmp_path / "out").exists()
