#!/usr/bin/env python3
"""Pack handler, stages, settings and weights into model_store/objectcut.mar; does nothing when no input changed."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from objectcut.catalogue import FIRST, Entry
from objectcut.network.card import Card, ModelError, NoCard, read_card
from objectcut.network.official import OFFICIAL, Unavailable, fetch
from objectcut.network.weightfiles import CACHE, locked

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "model_store"
HANDLER = ROOT / "handler"
ARCHIVE = STORE / f"{FIRST}.mar"
REFINER = STORE / "refiner.safetensors"


@dataclass(frozen=True)
class Chosen:
    """The model that will run.

    Attributes:
        weights: its file.
        card: what the file says of it.
        remark: why it is not the one that `auto` would rather have, or None.
        version: of the model, where others were added in its place.
    """

    weights: Path
    card: Card
    remark: str | None = None
    version: int = 1


def choose_all(names: str, console: Console) -> list[Chosen]:
    """Return the models that `MODEL=name,name` means, the default first; a folder means all models in it.

    Raises:
        Unavailable: weights that were asked for by name cannot be downloaded.
        ModelError: a file cannot be used.
    """
    chosen: list[Chosen] = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        folder = Path(name).expanduser()
        found = in_folder(folder) if folder.is_dir() else [choose(name, console)]
        if not found:
            raise ModelError(f"there is no model file in the folder {folder}")
        chosen += found
    if not chosen:
        raise ModelError(f"MODEL={names} names no model")
    return chosen


def in_folder(folder: Path) -> list[Chosen]:
    """Return the models of a folder, by the names of their files; weights without a card, as the refiner's, are none.

    Raises:
        ModelError: a file is damaged.
    """
    chosen = []
    for path in sorted(folder.glob("*.safetensors")):
        with suppress(NoCard):
            chosen.append(_chosen(path.resolve()))
    return chosen


def choose(name: str, console: Console, store: Path = STORE) -> Chosen:
    """Return the model that `MODEL=name` means: `auto`, `coco`, `coco-v1`, `bundled` or a path.

    Raises:
        Unavailable: weights that were asked for by name cannot be downloaded.
        ModelError: the file cannot be used.
    """
    bundled = store / "bundled.safetensors"
    if name == "auto":
        try:
            return _chosen(fetch(OFFICIAL["coco"], _downloads(store, "coco"), console))
        except Unavailable as error:
            remark = f"The full model (80 classes) is not here: {error} Get it with `make weights`, then start again."
            return _chosen(bundled, remark)
    if name == "bundled":
        return _chosen(bundled)
    if name in OFFICIAL:
        return _chosen(fetch(OFFICIAL[name], _downloads(store, name), console))
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(f"MODEL={name} is neither auto, coco, coco-v1, bundled, a file nor a folder")
    return _chosen(path.resolve())


def _downloads(store: Path, name: str) -> Path:
    """Return the folder that has official weights, or gets them: the user's cache where the store cannot be written."""
    return store if os.access(store, os.W_OK) or (store / f"{name}.safetensors").exists() else CACHE


def archive_of(served_as: str, otherwise: Path) -> Path:
    """Return where the archive of a model is built, by TorchServe's name for it.

    That is the model store; or the folder `otherwise`, where the store cannot be written, as in an image.
    """
    return (STORE if os.access(STORE, os.W_OK) else otherwise) / f"{served_as}.mar"


def provide(entry: Entry, otherwise: Path, checked: bool = False) -> Path:
    """Return the archive of a model, built if it is not in the model store or `otherwise` already.

    Args:
        entry: the model.
        otherwise: as for `archive_of`.
        checked: as for `build`.

    Raises:
        ModelError, RuntimeError: as `build` does.
    """
    stored, archive = STORE / f"{entry.served_as}.mar", archive_of(entry.served_as, otherwise)
    if stored != archive and _is_of(stored, _inputs(entry.file, entry.version)):
        return stored
    build(entry.file, archive, entry.version, checked)
    return archive


def _chosen(weights: Path, remark: str | None = None) -> Chosen:
    return Chosen(weights, read_card(weights), remark)


def build(weights: Path, archive: Path = ARCHIVE, version: int = 1, checked: bool = False) -> bool:
    """Build the archive if an input changed since it was built, or it is damaged. True when it was built.

    Args:
        weights: a model file.
        archive: where to build it.
        version: of the model, which TorchServe tells from others of the same name by it.
        checked: whether the weights are known to be good; those of the model store always are.

    Raises:
        ModelError: the weights cannot be served.
        RuntimeError: torch-model-archiver failed; the message is its own.
    """
    stamp, inputs = archive.with_suffix(".inputs"), _inputs(weights, version)
    if _is_of(archive, inputs):
        return False
    if not checked and weights.parent != STORE:
        _check(weights)
    archive.parent.mkdir(parents=True, exist_ok=True)
    # The archiver works in a fixed folder of the temp dir: one of our own keeps two builds apart.
    with tempfile.TemporaryDirectory(prefix="objectcut-", dir=archive.parent) as scratch:
        command = [
            str(Path(sys.executable).with_name("torch-model-archiver")),
            *("--model-name", FIRST),
            *("--version", f"{version}.0"),
            *("--handler", str(HANDLER / "handler.py")),
            *("--config-file", str(HANDLER / "model-config.yaml")),
            *("--serialized-file", str(weights)),
            *("--extra-files", f"{HANDLER},{REFINER}"),
            *("--export-path", scratch),
            *("--archive-format", "zip-store"),  # weights do not compress
        ]
        done = subprocess.run(
            command, env={**os.environ, "TMPDIR": scratch}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"torch-model-archiver failed: {done.stderr.strip() or done.stdout.strip()}")
        stamp.unlink(missing_ok=True)
        (Path(scratch) / f"{FIRST}.mar").replace(archive)
        stamp.write_text(inputs)
    return True


def _is_of(archive: Path, inputs: str) -> bool:
    """Return whether an archive was built of these inputs, and is whole."""
    stamp = archive.with_suffix(".inputs")
    return stamp.exists() and stamp.read_text() == inputs and _whole(archive)


def _whole(archive: Path) -> bool:
    """Return whether an archive is there and undamaged: TorchServe would run on without its model."""
    try:
        with zipfile.ZipFile(archive) as packed:
            return packed.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def _check(weights: Path) -> None:
    """Raise ModelError if a worker could not use the weights. In a process of its own: reading them needs torch."""
    command = [sys.executable, str(ROOT / "scripts" / "models.py"), "--json", "check", str(weights)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stdout.splitlines()
        raise ModelError(json.loads(told[-1])["refused"] if told else f"{weights.name} cannot be read")


def _inputs(weights: Path, version: int) -> str:
    """Return the version, and names and contents of everything that goes into the archive as one sha256."""
    digest = hashlib.sha256()
    files = sorted(path for path in HANDLER.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    for path in (*files, REFINER, weights):
        name = path.relative_to(HANDLER) if path.is_relative_to(HANDLER) else path.name
        digest.update(f"{name}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return f"{version}.0 {digest.hexdigest()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model",
        default=os.environ.get("MODEL") or "auto",
        help="auto, coco, coco-v1, bundled or the path of a model file (default: $MODEL, else auto)",
    )
    parser.add_argument("--output", type=Path, default=ARCHIVE, help="the archive (default: model_store/objectcut.mar)")
    arguments = parser.parse_args()
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    try:
        with locked(STORE, "archive"):
            chosen = choose(arguments.model, console)
            built = build(chosen.weights, arguments.output)
    except (ModelError, RuntimeError) as error:
        console.print(str(error), style="red")
        return 1
    if chosen.remark:
        console.print(chosen.remark)
    console.print(f"{arguments.output} {'built' if built else 'is up to date'} with the model {chosen.card.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
