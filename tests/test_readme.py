"""The README's own commands, as they stand there, in a folder with a photo."""

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

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


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
    for name in re.findall(r"cat\.(?:png|webp)", block):
        with Image.open(folder / name) as image:
            image.load()
    if "/detect" in block:
        assert '"label":"cat"' in done.stdout
    if "image_url" in block:
        assert '"image_base64":"' in done.stdout
    if "--out cuts/" in block:
        assert {path.name for path in (folder / "cuts").rglob("*")} >= {"photo-cut.png", "small-cut.png"}


def test_every_setting_of_the_readme_exists() -> None:
    from objectcut.settings import Settings

    for name, default in re.findall(r"^\| `OBJECTCUT_(\w+)` \| (\d*) \|", README, re.MULTILINE):
        if name == "WEIGHTS_MIRROR":  # read by scripts/fetch_weights.py
            continue
        field = Settings.model_fields[name.lower()]
        assert str(field.default).removesuffix(".0") == default if default else not field.default


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
