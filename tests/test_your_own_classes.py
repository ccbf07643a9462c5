"""The commands of docs/your-own-classes.md, one after the other, on photos that are drawn here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import ROOT, Server
from PIL import Image, ImageDraw, ImageFilter

import models
from objectcut.network.card import read_card

TEXT = (ROOT / "docs" / "your-own-classes.md").read_text("utf-8")
SECTIONS = re.split(r"^## (\d)\. ", TEXT, flags=re.MULTILINE)[1:]
BLOCKS = {
    number: block
    for number, text in zip(SECTIONS[::2], SECTIONS[1::2], strict=True)
    for block in re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
}
RECIPE = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0]
SIDE = 200


def ring(left: float, top: float, size: float) -> list[tuple[float, float]]:
    """A mug from above: a disc with a handle."""
    turns = np.linspace(0.15 * np.pi, 1.85 * np.pi, 40)
    disc = [(left + size / 2 * (1 + np.cos(t)), top + size / 2 * (1 + np.sin(t))) for t in turns]
    return [*disc, (left + size * 1.3, top + size * 0.4), (left + size * 1.3, top + size * 0.6)]


def long(left: float, top: float, size: float) -> list[tuple[float, float]]:
    """A spoon: a bowl and a handle."""
    turns = np.linspace(0.6 * np.pi, 2.4 * np.pi, 30)
    bowl = [(left + size / 4 * (1 + np.cos(t)), top + size / 3 * (1 + np.sin(t))) for t in turns]
    return [*bowl, (left + size * 0.3, top + size * 1.6), (left + size * 0.2, top + size * 1.6)]


def draw(folder: Path, count: int, seed: int = 0) -> None:
    """Photos with a mug and a spoon, labelled as labelme does; of every fourth photo only boxes are labelled."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        noise = rng.integers(60, 200, (12, 12, 3), np.uint8)
        photo = Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        shapes = []
        for label, outline, left in (("mug", ring, 10), ("spoon", long, 120)):
            points = outline(left + rng.uniform(0, 15), rng.uniform(10, 90), rng.uniform(45, 65))
            colour = (200, 40, 40) if label == "mug" else (225, 225, 235)
            ImageDraw.Draw(photo).polygon(points, fill=tuple(int(v + rng.integers(-20, 20)) for v in colour))
            xy = np.array(points)
            boxed = number % 4 == 0
            told = [xy.min(0).tolist(), xy.max(0).tolist()] if boxed else xy.tolist()
            shapes.append({"label": label, "shape_type": "rectangle" if boxed else "polygon", "points": told})
        photo.filter(ImageFilter.GaussianBlur(0.7)).save(folder / f"{number}.png")
        told = {"imagePath": f"{number}.png", "imageWidth": SIDE, "imageHeight": SIDE, "shapes": shapes}
        (folder / f"{number}.json").write_text(json.dumps(told))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader stands: the checkout's scripts, labelled photos, the recipe and a photo to try."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "scripts").symlink_to(ROOT / "scripts")
    draw(folder / "photos" / "kitchen", 24)
    (folder / "kitchen.yaml").write_text(RECIPE)
    with Image.open(folder / "photos" / "kitchen" / "3.png") as photo:
        photo.save(folder / "photo.jpg", quality=95)
    return folder


def run(block: str, folder: Path, server: Server) -> str:
    for there, instead in {"http://127.0.0.1:8000": server.url, ".venv/bin/python": sys.executable}.items():
        block = block.replace(there, instead)
    command = ["bash", "-euo", "pipefail", "-c", block.replace("--minutes 10", "--minutes 0.05")]
    env = {**os.environ, "OBJECTCUT_RUN_DIR": str(server.run.path)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_way_from_photos_to_the_page(folder: Path, server: Server):
    assert re.search(r"kitchen: \d+ of 12 masks drawn", run(BLOCKS["2"], folder, server))
    said = run(BLOCKS["3"], folder, server)
    assert "objects: mug " in said
    assert (folder / "work" / "losses.png").exists() or "step" not in said
    run(BLOCKS["4"], folder, server)
    with Image.open(folder / "sheet.png") as sheet:
        assert min(sheet.size) > 100
    card = read_card(folder / "kitchen.safetensors")
    assert card.classes == ("__background__", "mug", "spoon")
    assert card.facts["licence"] == "ours alone"
    assert set(card.facts["cut_outs"]) <= {"mug", "spoon"}
    before = httpx.get(f"{server.url}/labels", trust_env=False).json()["response"]["model"]
    try:
        add, curl, default = BLOCKS["5"].splitlines()
        run(add, folder, server)
        run(curl, folder, server)  # whether a mug is found after so short a training is a matter of luck
        run(default, folder, server)
        own = httpx.get(f"{server.url}/labels", trust_env=False).json()["response"]
        assert (own["model"], own["classes"]) == ("kitchen", ["mug", "spoon"])
    finally:
        models.console.file = sys.stderr  # that of this test
        models.choose_default(server.run, before)
        models.remove(server.run, "kitchen")
        (server.run.path / "default").unlink(missing_ok=True)
