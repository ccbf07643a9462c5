"""The commands of the README and of docs/, as they stand there, in a folder with a photo; and what both promise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, PhotoHost, Server
from PIL import Image

from objectcut.settings import Settings

README = (ROOT / "README.md").read_text("utf-8")
DOCS = {path.name: path.read_text("utf-8") for path in [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]}
TEXT = "\n".join([README, DOCS["operation.md"], DOCS["compatible.md"]])
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, chelsea: Image.Image, photo_host: PhotoHost) -> Path:
    """Where the reader stands: the checkout's scripts and environment, a photo and an album."""
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    chelsea.save(tmp_path / "photo.jpg", quality=95)
    (tmp_path / "album").mkdir()
    chelsea.resize((300, 200)).save(tmp_path / "album" / "small.jpg")
    shutil.copy(tmp_path / "photo.jpg", photo_host.folder)
    return tmp_path


@pytest.mark.parametrize(("language", "block"), BLOCKS, ids=[block.split("\n")[0][:60] for _, block in BLOCKS])
def test_a_block_does_what_it_says(
    language: str, block: str, folder: Path, server: Server, photo_host: PhotoHost
) -> None:
    ports = server.run.ports()
    assert ports is not None
    here = {
        "http://127.0.0.1:8000": server.url,
        "http://127.0.0.1:8080": f"http://127.0.0.1:{ports.inference}",
        ".run/8000": str(server.run.path),
        "https://example.org": photo_host.url,
        ".venv/bin/python": sys.executable,
    }
    for there, instead in here.items():
        block = block.replace(there, instead)
    command = ["bash", "-euo", "pipefail", "-c", block] if language == "bash" else [sys.executable, "-c", block]
    env = {**os.environ, "OBJECTCUT_RUN_DIR": str(server.run.path), "OBJECTCUT_SERVER": server.url}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert '"error":true' not in done.stdout
    for name in re.findall(r"cat\.(?:png|webp|jpg)", block):
        with Image.open(folder / name) as image:
            image.load()
    if "/detect" in block:
        assert '"label":"cat"' in done.stdout
    if "image_url" in block:
        assert '"image_base64":"' in done.stdout
    if "--out cuts/" in block:
        assert {path.name for path in (folder / "cuts").rglob("*")} >= {"photo-cut.png", "small-cut.png"}


def test_the_settings_are_listed_as_they_are() -> None:
    listed = re.findall(r"^\| `(OBJECTCUT_\w+)` \| (.*?) \| (.*) \|$", DOCS["configuration.md"], re.MULTILINE)
    assert listed == Settings.described()


def test_help_lists_the_settings() -> None:
    command = [sys.executable, ROOT / "scripts" / "serve.py", "--help"]
    told = " ".join(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split())
    for variable, default, meaning in Settings.described():
        assert f"{variable}{f'={default}' if default else ''} {meaning}" in told


def test_every_link_leads_somewhere() -> None:
    places = {"README.md": README, "CONTRIBUTING.md": DOCS["CONTRIBUTING.md"]}
    places |= {f"docs/{name}": text for name, text in DOCS.items() if name not in places}
    for name, text in places.items():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_the_files_of_the_ten_tasks_are_there() -> None:
    table = DOCS["CONTRIBUTING.md"].partition("## Where to change what")[2].partition("## ")[0]
    files = re.findall(r"`([\w./-]+/[\w./-]+)`", table)
    assert len(files) >= 10
    for file in files:
        assert (ROOT / file).exists() or (ROOT / "handler" / "objectcut" / file).exists(), file
