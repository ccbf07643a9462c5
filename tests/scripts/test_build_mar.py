"""The archive: what is in it, and when it is built anew."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from safetensors.numpy import load_file, save_file

import build_mar
from objectcut.network.card import ModelError, read_card


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the handler's folder that a test may change."""
    copy = tmp_path / "handler"
    shutil.copytree(build_mar.HANDLER, copy)
    monkeypatch.setattr(build_mar, "HANDLER", copy)
    return copy


def test_the_archive_is_built_only_when_an_input_changed_or_it_is_damaged(handler: Path, tmp_path: Path) -> None:
    archive, weights = tmp_path / "objectcut.mar", tmp_path / "model.safetensors"
    shutil.copyfile(build_mar.STORE / "bundled.safetensors", weights)
    build = partial(build_mar.build, weights, archive, checked=True)
    assert build()
    assert not build()
    (handler / "objectcut" / "labels.py").write_text("# changed")
    assert build()
    with weights.open("ab") as file:
        file.write(b"\0")
    assert build()
    archive.unlink()
    assert build()
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-1_000_000])
    assert build(), "the archive was damaged"


def test_weights_that_no_worker_could_use_are_no_archive(tmp_path: Path) -> None:
    weights, archive = tmp_path / "mine.safetensors", tmp_path / "mine.mar"
    tensors = load_file(build_mar.STORE / "bundled.safetensors")
    tensors["roi_heads.box_predictor.cls_score.bias"][0] = float("nan")
    card = json.dumps(read_card(build_mar.STORE / "bundled.safetensors").as_dict())
    save_file(tensors, weights, metadata={"card": card})
    with pytest.raises(ModelError, match=r"'roi_heads.box_predictor.cls_score.bias' holds values that are not finite"):
        build_mar.build(weights, archive)
    assert not archive.exists()


def test_the_archive_may_lie_elsewhere_and_have_another_name(tmp_path: Path) -> None:
    other = tmp_path / "new" / "other.mar"
    command = [sys.executable, build_mar.ROOT / "scripts" / "build_mar.py", "--model", "bundled", "--output", other]
    first, again = (subprocess.run(command, capture_output=True, text=True, timeout=120) for _ in range(2))
    assert first.returncode == again.returncode == 0, first.stderr
    assert "other.mar built with the model objectcut-bundled" in first.stderr
    assert "other.mar is up to date" in again.stderr
    with zipfile.ZipFile(other) as packed:
        assert json.loads(packed.read("MAR-INF/MANIFEST.json"))["model"]["modelName"] == "objectcut"


def test_a_model_that_is_not_there_is_named() -> None:
    command = [sys.executable, build_mar.ROOT / "scripts" / "build_mar.py", "--model", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "MODEL=nonsense is neither" in done.stderr


def test_a_folder_means_its_models_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    for name in ("bundled.safetensors", "refiner.safetensors"):
        shutil.copy(build_mar.STORE / name, tmp_path)
    quiet = Console(quiet=True)
    assert [each.weights.name for each in build_mar.choose_all(str(tmp_path), quiet)] == ["bundled.safetensors"]
    (tmp_path / "mine.safetensors").write_bytes((tmp_path / "bundled.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"mine\.safetensors is not a safetensors file, or it is damaged"):
        build_mar.choose_all(str(tmp_path), quiet)
    (tmp_path / "empty").mkdir()
    for names, reason in ((str(tmp_path / "empty"), "there is no model file in the folder"), (" , ", "names no model")):
        with pytest.raises(ModelError, match=reason):
            build_mar.choose_all(names, quiet)


def test_the_archive_holds_code_settings_and_weights(tmp_path: Path) -> None:
    archive = tmp_path / "objectcut.mar"
    build_mar.build(build_mar.STORE / "bundled.safetensors", archive)
    with zipfile.ZipFile(archive) as packed:
        names = set(packed.namelist())
    package = [path for path in (build_mar.HANDLER / "objectcut").rglob("*.*") if "__pycache__" not in path.parts]
    stages = {path.relative_to(build_mar.HANDLER).as_posix() for path in package}
    assert names == stages | {
        "MAR-INF/MANIFEST.json",
        "bundled.safetensors",
        "handler.py",
        "metrics.yaml",
        "model-config.yaml",
        "refiner.safetensors",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["objectcut.inputs", "objectcut.mar"]
