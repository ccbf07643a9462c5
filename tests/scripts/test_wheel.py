"""What a Python program installs: the package, its names and the bundled model, without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from conftest import ROOT
from PIL import Image

CUT = "from objectcut import Pipeline; Pipeline.load('bundled').cut('photo.png', ['cat']).save('cat.png')"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment that holds the wheel; what it depends on is that of this one."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "handler", source / "handler", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (source / "model_store").mkdir()
    for name in ("bundled.safetensors", "refiner.safetensors"):
        shutil.copy(ROOT / "model_store" / name, source / "model_store")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("objectcut-*.whl")
    shutil.rmtree(source)
    made = tmp_path / "environment"
    venv.create(made)
    subprocess.run([*pip, "--python", made, "install", "--no-deps", "--no-index", wheel], check=True)
    (packages,) = made.glob("lib/python*/site-packages")
    # Only a path: the links of this environment to the checkout are not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return made


def test_a_photo_is_cut_by_the_installed_wheel(environment: Path, tmp_path: Path, chelsea: Image.Image):
    chelsea.save(tmp_path / "photo.png")
    python = environment / "bin" / "python"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = subprocess.run(
        [python, "-c", "import objectcut; print(objectcut.__file__)"],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(environment)
    subprocess.run([python, "-c", CUT], cwd=tmp_path, env=env, check=True)
    with Image.open(tmp_path / "cat.png") as cut:
        assert (cut.mode, cut.size) == ("RGBA", chelsea.size)
        assert cut.getpixel((225, 150)) == (*chelsea.getpixel((225, 150)), 255)
        assert cut.getpixel((chelsea.width - 1, 0))[3] == 0
